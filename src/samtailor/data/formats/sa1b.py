"""Read json files like those of SA-1B: one per image, with RLE masks and without classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import build_task, open_image, split_of
from samtailor.data.formats.encodings import read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.label_maps import UNNAMED_CLASS
from samtailor.data.formats.shapes import rle_from_dict
from samtailor.data.formats.sniff import files_below, first_files, head_text, is_small
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_sa1b", "read_sa1b"]


def is_sa1b(root: Path) -> bool:
    """Return True if one of the first json files has an image (not images) and annotations with a segmentation."""
    if root.is_file():
        return _is_of_sa1b(root)
    return any(_is_of_sa1b(path) for path in first_files(root, (".json",)))


def read_sa1b(root: str | Path, reading: Reading) -> Task:
    """Read one json file per image: ``image`` with ``file_name``, and ``annotations`` with ``segmentation``.

    All masks are of the class ``object``, unless an annotation has a ``label`` or ``category``. Splits come from
    folders.

    Args:
        root: a folder with json files beside their images, or anywhere below; or one such file.
        reading: collects broken masks and files.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    finder = ImageFinder(folder, reading)
    builders = []
    for file in sorted(files_below(root, (".json",))) if root.is_dir() else [root]:
        try:
            content, _ = read_any_json(file)
        except DataError as error:
            reading.count()
            reading.broken(file, "", error.what.removesuffix(".").removeprefix(f"{file} "), error.hint)
            continue
        if not _has_keys(content):
            continue
        image = content["image"]
        stated = (image.get("width"), image.get("height"))
        builder = open_image(reading, finder, file, image.get("file_name"), stated=stated, split=split_of(file, folder))
        if builder is None:
            continue
        for number, annotation in enumerate(content["annotations"]):
            entry = annotation if isinstance(annotation, dict) else {}
            label = entry.get("label", entry.get("category", UNNAMED_CLASS))
            builder.add(f"annotation {number}", label, _maker(entry.get("segmentation")))
        builders.append(builder)
    return build_task(folder, "SA-1B json", builders, reading)


def _maker(segmentation: Any) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        if isinstance(segmentation, dict):
            return rle_from_dict(segmentation, height, width)
        if not isinstance(segmentation, list) or not segmentation:
            raise ValueError("it has no segmentation; expected RLE or polygons")
        return polygons_rle(segmentation, height, width)

    return make


def _has_keys(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get("image"), dict)
        and "file_name" in content["image"]
        and isinstance(content.get("annotations"), list)
    )


def _is_of_sa1b(path: Path) -> bool:
    try:
        return '"image"' in head_text(path) and is_small(path) and _has_keys(read_any_json(path)[0])
    except DataError:
        return False
