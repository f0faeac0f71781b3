"""Read the json files of V7 Darwin, versions 1 and 2: one file for each image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import ellipse_rle
from samtailor.data.formats.encodings import read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.shapes import box_rle, points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle, mask_rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_darwin", "read_darwin"]


def is_darwin(path: Path) -> bool:
    """Return True for a json file of V7 Darwin, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, (".json",))
    return any(_is_of_darwin(file) for file in files)


def read_darwin(root: str | Path, reading: Reading) -> Task:
    """Read polygons, masks and ellipses; boxes are left out or filled, and other annotations are left out.

    Paths of one polygon exclude each other, so a path inside another one is a hole. Splits come from folders.

    Args:
        root: a json file, or a folder with json files, and with the images anywhere below.
        reading: collects broken files and annotations.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    files = [root] if root.is_file() else [p for p in sorted(files_below(root, (".json",))) if _is_of_darwin(p)]
    finder = ImageFinder(folder, reading)
    builders: dict[Path, DraftBuilder] = {}
    for file in files:
        try:
            content, _ = read_any_json(file)
            name, stated = _image(content)
        except (DataError, ValueError) as error:
            reading.count()
            reading.broken(file, "", str(error).removesuffix("."), "Export it again from V7.")
            continue
        builder = open_image(reading, finder, file, name, stated=stated, split=split_of(file, folder))
        if builder is None:
            continue
        builder = builders.setdefault(builder.path, builder)
        entries = content.get("annotations")
        rows = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        layers = [entry["raster_layer"] for entry in rows if isinstance(entry.get("raster_layer"), dict)]
        for number, entry in enumerate(rows):
            _add(builder, f"annotation {number}", entry, layers)
    return build_task(folder, "V7 Darwin json", builders.values(), reading)


def _image(content: Any) -> tuple[Any, tuple[Any, Any] | None]:
    """Return the name and the stated size of the image."""
    if not isinstance(content, dict):
        raise ValueError(f"it holds a JSON {type(content).__name__}; expected an object")
    image, item = content.get("image"), content.get("item")
    if isinstance(image, dict):  # version 1
        size = (image.get("width"), image.get("height"))
        return image.get("original_filename") or image.get("filename"), size
    slots = item.get("slots") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(slots, list) or len(slots) != 1 or not isinstance(slots[0], dict):
        raise ValueError("it has no item with one slot; expected one image")
    files = slots[0].get("source_files")
    first = files[0] if isinstance(files, list) and files else {}
    name = first.get("file_name") if isinstance(first, dict) else None
    return name or item.get("name"), (slots[0].get("width"), slots[0].get("height"))


def _add(builder: DraftBuilder, entry: str, annotation: dict[str, Any], layers: list[dict[str, Any]]) -> None:
    label = annotation.get("name")
    if isinstance(annotation.get("raster_layer"), dict) or annotation.keys() & {"tag", "string"}:
        return
    if isinstance(polygon := annotation.get("polygon"), dict):
        builder.add(f"{entry} (polygon)", label, _polygon(polygon))
    elif isinstance(annotation.get("complex_polygon"), dict):
        builder.add(f"{entry} (complex polygon)", label, _polygon(annotation["complex_polygon"]))
    elif "mask" in annotation:
        builder.add(f"{entry} (mask)", label, _mask(annotation.get("id"), layers))
    elif isinstance(ellipse := annotation.get("ellipse"), dict):
        builder.add(f"{entry} (ellipse)", label, _ellipse(ellipse))
    elif isinstance(box := annotation.get("bounding_box"), dict):
        builder.add(f"{entry} (box)", label, _box(box), True)
    else:
        builder.reading.count()
        note_left_out(builder.reading, builder.path)


def _polygon(polygon: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        path = polygon.get("paths", polygon.get("path"))
        paths = path if isinstance(path, list) and path and isinstance(path[0], list) else [path]
        more = polygon.get("additional_paths")
        paths = [*paths, *(more if isinstance(more, list) else [])]
        if len(paths) == 1:
            return points_rle(_points(paths[0]), height, width)
        inside = np.zeros((height, width), dtype=bool)
        for corners in paths:
            rle, _ = points_rle(_points(corners), height, width)
            inside ^= _decoded(rle)
        return mask_rle(inside), int(inside.sum())

    return make


def _decoded(rle: Rle) -> np.ndarray:
    from pycocotools import mask as coco_mask

    return np.asarray(coco_mask.decode(rle), dtype=bool)


def _points(path: Any) -> list[tuple[float, float]]:
    if not isinstance(path, list) or len(path) < 3:
        raise ValueError("its path has fewer than three points")
    return [_pair(point, "x", "y") for point in path]


def _pair(value: Any, first: str, second: str) -> tuple[float, float]:
    numbers = [value.get(first), value.get(second)] if isinstance(value, dict) else [None]
    if any(type(number) not in (int, float) for number in numbers):
        raise ValueError(f"it has {str(value)[:60]}; expected numbers {first} and {second}")
    return float(numbers[0]), float(numbers[1])  # type: ignore[arg-type]


def _mask(key: Any, layers: list[dict[str, Any]]) -> Callable[[int, int], tuple[Rle, int]]:
    """Return the pixels of an annotation in a layer: runs of (value, length), row by row."""

    def make(height: int, width: int) -> tuple[Rle, int]:
        for layer in layers:
            numbers, runs = layer.get("mask_annotation_ids_mapping"), layer.get("dense_rle")
            if not isinstance(numbers, dict) or str(key) not in numbers or not isinstance(runs, list):
                continue
            if len(runs) % 2 or any(type(number) is not int or not 0 <= number <= height * width for number in runs):
                raise ValueError("its mask has runs that are not pairs of a value and a length")
            pairs = np.array(runs, dtype=np.int64).reshape(-1, 2)
            if pairs[:, 1].sum() != height * width:
                raise ValueError(f"its mask has {pairs[:, 1].sum()} pixels; expected {width} x {height}")
            mask = np.repeat(pairs[:, 0] == numbers[str(key)], pairs[:, 1]).reshape(height, width)
            return mask_rle(mask), int(mask.sum())
        raise ValueError("no raster layer holds its mask")

    return make


def _ellipse(ellipse: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        angle = ellipse.get("angle") or 0
        if type(angle) not in (int, float):
            raise ValueError("its angle is not a number")
        centre, radii = _pair(ellipse.get("center"), "x", "y"), _pair(ellipse.get("radius"), "x", "y")
        return ellipse_rle(centre, radii, height, width, float(np.degrees(angle)))

    return make


def _box(box: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        (x, y), (w, h) = _pair(box, "x", "y"), _pair(box, "w", "h")
        return box_rle(x, y, x + w, y + h, height, width)

    return make


def _is_of_darwin(file: Path) -> bool:
    text = head_text(file)
    if '"annotations"' not in text or '"images"' in text:
        return False
    version_2 = '"item"' in text and '"slots"' in text
    return version_2 or ('"image"' in text and '"workview_url"' in text)
