"""Read GeoJSON files of QuPath: one file for each image, shapes in its pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import polygon_with_holes
from samtailor.data.formats.encodings import read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.label_maps import UNNAMED_CLASS
from samtailor.data.formats.shapes import pair_list, union
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_qupath", "read_qupath"]

_SUFFIXES = (".geojson", ".json")
_MARKS = ('"PathAnnotationObject"', '"PathDetectionObject"', '"PathCellObject"', '"objectType"')


def is_qupath(path: Path) -> bool:
    """Return True for a GeoJSON file of QuPath, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, _SUFFIXES)
    return any(_is_of_qupath(file) for file in files)


def read_qupath(root: str | Path, reading: Reading) -> Task:
    """Read polygons with holes, of annotations, detections and cells; points and lines are left out.

    The class is the name of the classification, or ``object``. The image has the name of the file. Splits come from
    folders.

    Args:
        root: a GeoJSON file, or a folder with such files, and with the images anywhere below.
        reading: collects broken files and shapes.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    files = [root] if root.is_file() else [p for p in sorted(files_below(root, _SUFFIXES)) if _is_of_qupath(p)]
    finder = ImageFinder(folder, reading)
    builders: dict[Path, DraftBuilder] = {}
    for file in files:
        try:
            features = list(_features(read_any_json(file)[0]))
        except (DataError, ValueError) as error:
            reading.count()
            reading.broken(file, "", str(error).removesuffix("."), "Export it again from QuPath.")
            continue
        builder = open_image(reading, finder, file, _image_name(file), split=split_of(file, folder))
        if builder is None:
            continue
        builder = builders.setdefault(builder.path, builder)
        for number, feature in enumerate(features):
            _add(builder, f"feature {number}", feature)
    return build_task(folder, "QuPath GeoJSON", builders.values(), reading)


def _image_name(file: Path) -> str:
    """Return the name of the image: ``a.geojson`` is of ``a.png`` or another suffix, ``a.tif.geojson`` of ``a.tif``."""
    inner = Path(file.stem)
    return inner.name if inner.suffix.lower() in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp") else f"{inner}.png"


def _features(content: Any) -> Iterator[dict[str, Any]]:
    entries = content.get("features") if isinstance(content, dict) else content
    if isinstance(content, dict) and content.get("type") == "Feature":
        entries = [content]
    if not isinstance(entries, list):
        raise ValueError("it holds no list of features")
    yield from (entry if isinstance(entry, dict) else {} for entry in entries)


def _add(builder: DraftBuilder, entry: str, feature: dict[str, Any]) -> None:
    geometry, properties = feature.get("geometry"), feature.get("properties")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        builder.reading.count()
        note_left_out(builder.reading, builder.path)
        return
    builder.add(f"{entry} ({str(kind)[:30]})", _class(properties), _maker(geometry))


def _class(properties: Any) -> Any:
    found = properties.get("classification") if isinstance(properties, dict) else None
    return (found.get("name") if isinstance(found, dict) else found) or UNNAMED_CLASS


def _maker(geometry: Any) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind not in ("Polygon", "MultiPolygon"):
            raise ValueError(f"its geometry is {str(kind)[:40]}; expected a polygon")
        polygons = geometry.get("coordinates")
        polygons = [polygons] if kind == "Polygon" else polygons
        if not isinstance(polygons, list) or not all(isinstance(rings, list) and rings for rings in polygons):
            raise ValueError("it has no coordinates")
        return union([_with_holes(rings, height, width) for rings in polygons])

    return make


def _with_holes(rings: list[Any], height: int, width: int) -> tuple[Rle, int]:
    outer, *holes = (pair_list(ring, 3) for ring in rings)
    return polygon_with_holes(outer, holes, height, width)


def _is_of_qupath(file: Path) -> bool:
    text = head_text(file)
    return '"geometry"' in text and '"Feature' in text and any(mark in text for mark in _MARKS)
