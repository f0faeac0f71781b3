"""Read the polygons of Cityscapes and Mapillary Vistas: one json file per image, later objects in front."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import build_task, open_image, split_of
from samtailor.data.formats.curves import cut_out
from samtailor.data.formats.encodings import read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.shapes import pair_list, points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text, is_small
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_street_polygons", "read_street_polygons"]

# Labels of Cityscapes and Mapillary for pixels that belong to no class.
_VOID = re.compile(r"^(out of roi|rectification border|ego vehicle|unlabeled|void--.*)$")


def is_street_polygons(root: Path) -> bool:
    """Return True if one of the first json files holds objects with a label and a polygon, and the image's size."""
    return root.is_dir() and any(_is_of_layout(path) for path in first_files(root, (".json",)))


def read_street_polygons(root: str | Path, reading: Reading) -> Task:
    """Read ``gtFine/SPLIT/CITY/NAME_gtFine_polygons.json`` with ``leftImg8bit/``, or Mapillary's ``polygons/``.

    Each polygon is an instance, without the pixels of later polygons, which are in front of it. Groups (``cargroup``)
    are crowd regions. Void labels only hide what is behind them.

    Args:
        root: the folder with the json files and the images below.
        reading: collects broken polygons and files.
    """
    root = Path(root)
    finder = ImageFinder(root, reading)
    builders = []
    for file in sorted(files_below(root, (".json",))):
        try:
            content, _ = read_any_json(file)
        except DataError as error:
            reading.count()
            reading.broken(file, "", str(error), "Copy the file again.")
            continue
        if not _has_keys(content):
            continue
        stem = re.sub(r"_gt(Fine|Coarse)_polygons$", "_leftImg8bit", file.stem)
        stated = (content.get("imgWidth", content.get("width")), content.get("imgHeight", content.get("height")))
        builder = open_image(reading, finder, file, f"{stem}.png", stated=stated, split=split_of(file, root))
        if builder is None:
            continue
        shapes: list[tuple[int, str, tuple[Rle, int]]] = []
        for number, entry in enumerate(content["objects"]):
            try:
                points = pair_list(entry.get("polygon"), 3)
                shapes.append((number, str(entry.get("label")), points_rle(points, builder.height, builder.width)))
            except (ValueError, AttributeError) as error:
                reading.count()
                reading.broken(file, f"object {number}", str(error)[:200], "Copy the file again.")
        for index, (number, label, mask) in enumerate(shapes):
            if _VOID.match(label):
                continue
            in_front = [other for _, _, other in shapes[index + 1 :]]
            is_group = label.endswith("group")
            visible = cut_out(mask, in_front)
            builder.add(f"object {number}", label.removesuffix("group"), _already(visible), crowd=is_group)
        builders.append(builder)
    return build_task(root, "Cityscapes or Mapillary polygons", builders, reading)


def _already(mask: tuple[Rle, int]) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: mask


def _has_keys(content: Any) -> bool:
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        return False
    objects = content["objects"]
    has_size = "imgHeight" in content or "height" in content
    return has_size and all(isinstance(entry, dict) and {"label", "polygon"} <= entry.keys() for entry in objects[:3])


def _is_of_layout(path: Path) -> bool:
    try:
        return '"polygon"' in head_text(path) and is_small(path) and _has_keys(read_any_json(path)[0])
    except DataError:
        return False
