"""Read a project of Supervisely: ``meta.json``, and ``ann/`` beside ``img/`` in each of its data sets."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import placed_rle, polygon_with_holes
from samtailor.data.formats.encodings import read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.labelme_file import picture_mask
from samtailor.data.formats.shapes import box_rle, pair_list
from samtailor.data.formats.sniff import is_small
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_supervisely", "read_supervisely"]

_SHAPES = ("polygon", "bitmap", "rectangle")
_MAX_BITMAP = 100_000_000  # bytes of an unpacked bitmap


def is_supervisely(root: Path) -> bool:
    """Return True for a folder with meta.json and data sets with ``ann/``, or for one data set with both."""
    if not root.is_dir() or next(_annotations(root), None) is None:
        return False
    file = next(_annotations(root))
    try:
        first = read_any_json(file)[0] if is_small(file) else None
    except DataError:
        return False
    return isinstance(first, dict) and isinstance(first.get("objects"), list) and "size" in first


def read_supervisely(root: str | Path, reading: Reading) -> Task:
    """Read polygons (with holes) and bitmaps; rectangles are left out or filled, points and lines are left out.

    Splits come from the names of the data sets, such as ``train`` and ``val``.

    Args:
        root: the folder of the project.
        reading: collects broken objects and files.
    """
    root = Path(root)
    finder = ImageFinder(root, reading)
    builders = []
    for file in sorted(_annotations(root)):
        try:
            content, _ = read_any_json(file)
            objects = content["objects"]
            size = content.get("size") or {}
            stated = (size.get("width"), size.get("height"))
        except (DataError, KeyError, TypeError, AttributeError) as error:
            reading.count()
            what = str(error) if isinstance(error, DataError) else "it has no objects or size"
            reading.broken(file, "", what, "Export the project again.")
            continue
        image = file.parent.parent / "img" / file.name.removesuffix(".json")
        name = image.name if not image.is_file() else f"../img/{image.name}"
        builder = open_image(reading, finder, file, name, stated=stated, split=split_of(file, root))
        if builder is None:
            continue
        for number, entry in enumerate(objects if isinstance(objects, list) else []):
            _add(builder, f"object {number}", entry if isinstance(entry, dict) else {})
        builders.append(builder)
    return build_task(root, "Supervisely", builders, reading, _listed_classes(root))


def _add(builder: DraftBuilder, place: str, entry: dict[str, Any]) -> None:
    kind = entry.get("geometryType") or ("bitmap" if entry.get("bitmap") else "polygon")
    if kind not in _SHAPES:
        builder.reading.count()
        note_left_out(builder.reading, builder.path)
        return
    builder.add(f"{place} ({kind})", entry.get("classTitle"), _maker(kind, entry), kind == "rectangle")


def _maker(kind: str, entry: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        if kind == "bitmap":
            return _bitmap_rle(entry.get("bitmap"), height, width)
        points = entry.get("points")
        if not isinstance(points, dict):
            raise ValueError("it has no points")
        if kind == "rectangle":
            (x0, y0), (x1, y1) = pair_list(points.get("exterior"), 2)[:2]
            return box_rle(x0, y0, x1, y1, height, width)
        interior = points.get("interior") or []
        if not isinstance(interior, list):
            raise ValueError(f"its interior is a {type(interior).__name__}; expected a list of holes")
        holes = [pair_list(hole, 3) for hole in interior]
        return polygon_with_holes(pair_list(points.get("exterior"), 3), holes, height, width)

    return make


def _bitmap_rle(bitmap: Any, height: int, width: int) -> tuple[Rle, int]:
    """Return the mask of a bitmap: a PNG, packed with zlib and as base64, and its upper left pixel."""
    if not isinstance(bitmap, dict) or not isinstance(bitmap.get("data"), str):
        raise ValueError("its bitmap has no data")
    left, top = (int(number) for number in pair_list([bitmap.get("origin")], 1)[0])
    try:
        packed = zlib.decompressobj()
        content = packed.decompress(base64.b64decode(bitmap["data"]), _MAX_BITMAP)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"its bitmap is damaged ({str(error)[:80]})") from error
    return placed_rle(picture_mask(content), left, top, height, width)


def _listed_classes(root: Path) -> list[str]:
    file = root / "meta.json"
    if not file.is_file():
        return []
    content, _ = read_any_json(file)
    classes = content.get("classes") if isinstance(content, dict) else None
    rows = classes if isinstance(classes, list) else []
    return [
        str(row.get("title")).strip() for row in rows if isinstance(row, dict) and row.get("shape") in (*_SHAPES, "any")
    ]


def _annotations(root: Path) -> Iterator[Path]:
    patterns = ("*/ann/*.json", "ann/*.json", "*/*/ann/*.json")
    return (path for pattern in patterns for path in root.glob(pattern) if not path.name.startswith("."))
