"""Read what the VGG Image Annotator (VIA) wrote: region data or projects as json, or annotations as csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import DraftBuilder, build_task, label_text, note_left_out, open_image, split_of
from samtailor.data.formats.curves import ellipse_rle
from samtailor.data.formats.encodings import note_encoding, read_any_json, read_text
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.label_maps import UNNAMED_CLASS
from samtailor.data.formats.shapes import box_rle, points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_via", "read_via"]

_SUFFIXES = (".json", ".csv")
_MARKS = ("shape_attributes", "region_shape_attributes", "_via_img_metadata", "spatial_coordinates", '"vid_list"')
_WITHOUT_AREA = ("point", "line", "polyline")
_CLASS_NAMES = ("class", "label", "name", "category", "type", "object", "class_name", "classname", "labels")
# VIA 3 numbers its shapes.
_VIA3_SHAPES = {1: "point", 2: "rect", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline", 7: "polygon"}


@dataclass
class _Region:
    """A region: its shape with the attributes of VIA 2, and what the person chose for it."""

    shape: dict[str, Any]
    attributes: dict[str, Any]


@dataclass
class _Picture:
    """An image of a file, with its regions."""

    file: Path
    name: str
    regions: list[_Region] = field(default_factory=list)


def is_via(path: Path) -> bool:
    """Return True for a json or csv file of VIA, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, _SUFFIXES)
    return any(_is_of_via(file) for file in files)


def read_via(root: str | Path, reading: Reading) -> Task:
    """Read polygons, circles and ellipses; boxes are left out or filled, and points and lines are left out.

    The class is the value of the only region attribute, or of the one named class, label, name or similar. Regions
    without any attribute are of the class ``object``. Splits come from folders.

    Args:
        root: a json or csv file, or a folder with such files.
        reading: collects broken regions.

    Raises:
        DataError: it is not clear which attribute is the class, or too much is broken.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    files = [root] if root.is_file() else [path for path in sorted(files_below(root, _SUFFIXES)) if _is_of_via(path)]
    pictures = [picture for file in _without_copies(files) for picture in _checked_pictures(file, reading)]
    attribute = _class_attribute(root, [region for picture in pictures for region in picture.regions])
    finder = ImageFinder(folder, reading)
    builders: dict[Path, DraftBuilder] = {}
    for picture in pictures:
        split = split_of(picture.file, folder) or split_of(picture.name)
        builder = open_image(reading, finder, picture.file, picture.name, entry=f"image {picture.name}", split=split)
        if builder is None:
            continue
        builder = builders.setdefault(builder.path, builder)
        for number, region in enumerate(picture.regions):
            _add(builder, f"image {picture.name}, region {number}", region, attribute)
    return build_task(folder, "VIA", builders.values(), reading)


def _add(builder: DraftBuilder, entry: str, region: _Region, attribute: str | None) -> None:
    kind = region.shape.get("name")
    if kind in _WITHOUT_AREA:
        builder.reading.count()
        note_left_out(builder.reading, builder.path)
        return
    try:
        label = UNNAMED_CLASS if attribute is None else _choice(region.attributes.get(attribute))
    except ValueError as error:
        builder.reading.count()
        builder.reading.broken(builder.source, entry, str(error), f"Choose its {attribute} in VIA.")
        return
    xs, ys = region.shape.get("all_points_x"), region.shape.get("all_points_y")
    is_polygon = kind == "polygon" and isinstance(xs, list) and isinstance(ys, list)
    corners = list(zip(xs, ys, strict=False)) if is_polygon else None  # type: ignore[arg-type]
    builder.add(f"{entry} ({str(kind)[:40]})", label, _maker(region.shape), kind == "rect", corners=corners)


def _class_attribute(root: Path, regions: list[_Region]) -> str | None:
    """Return the region attribute that holds the class; None if regions have no attributes."""
    used: dict[str, int] = {}
    for region in regions:
        for name, value in region.attributes.items():
            if value not in (None, "", {}):
                used[name] = used.get(name, 0) + 1
    usual = [name for key in _CLASS_NAMES for name in used if name.strip().lower() == key]
    if len(used) <= 1 or usual:
        return usual[0] if usual else next(iter(used), None)
    raise DataError(
        f"The regions in {root} (VIA) have the attributes {', '.join(list(used)[:10])}; it is not clear which is the "
        "class.",
        "Rename the attribute of the class to 'class' in VIA, and export again.",
    )


def _choice(value: Any) -> str:
    """Return the class in the value of an attribute: text, a number, or the only checked box of a group."""
    if isinstance(value, dict):
        checked = [name for name, state in value.items() if state in (True, "true", 1)]
        if len(checked) != 1:
            raise ValueError(f"{len(checked)} classes are checked; expected one")
        return str(checked[0])
    return label_text(value)


def _maker(shape: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: _shape_rle(shape, height, width)


def _shape_rle(shape: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    kind = shape.get("name")
    if kind == "polygon":
        xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
        if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
            raise ValueError("its points are not two lists of equal length, all_points_x and all_points_y")
        if len(xs) < 3:
            raise ValueError(f"it has {len(xs)} points; expected 3 or more")
        return points_rle(list(zip(_floats(xs), _floats(ys), strict=True)), height, width)
    if kind == "rect":
        x, y, w, h = _floats([shape.get(key) for key in ("x", "y", "width", "height")])
        return box_rle(x, y, x + w, y + h, height, width)
    if kind == "circle":
        x, y, r = _floats([shape.get(key) for key in ("cx", "cy", "r")])
        return ellipse_rle((x, y), (r, r), height, width)
    if kind == "ellipse":
        x, y, rx, ry = _floats([shape.get(key) for key in ("cx", "cy", "rx", "ry")])
        (turn,) = _floats([shape.get("theta") or 0])  # radians
        return ellipse_rle((x, y), (rx, ry), height, width, turn * 180 / 3.141592653589793)
    raise ValueError(f"its shape is {str(kind)[:40]!r}; expected polygon, circle, ellipse or rect")


def _floats(values: Iterable[Any]) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("a coordinate is not a number") from error


def _checked_pictures(file: Path, reading: Reading) -> list[_Picture]:
    try:
        return _pictures(file, reading)
    except (AttributeError, KeyError, IndexError, RecursionError, TypeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{file} has another structure than VIA's files ({type(error).__name__}: {str(error)[:80]}).",
            "Export the annotations again in VIA.",
        ) from error


def _pictures(file: Path, reading: Reading) -> list[_Picture]:
    if file.suffix.lower() == ".csv":
        text, encoding = read_text(file)
        note_encoding(reading, file, encoding)
        return _of_csv(file, text, reading)
    content, encoding = read_any_json(file)
    note_encoding(reading, file, encoding)
    if isinstance(content, dict) and isinstance(content.get("metadata"), dict) and "file" in content:
        return _of_via3(file, content)
    entries = content.get("_via_img_metadata", content) if isinstance(content, dict) else {}
    pictures = []
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict) or "filename" not in entry:
            continue
        regions = entry.get("regions") or []
        rows = list(regions.values()) if isinstance(regions, dict) else regions  # VIA 1 numbered them
        pictures.append(_Picture(file, str(entry["filename"]), _regions(file, str(key), rows, reading)))
    return pictures


def _regions(file: Path, key: str, rows: Any, reading: Reading) -> list[_Region]:
    regions = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        shape = row.get("shape_attributes") if isinstance(row, dict) else None
        attributes = row.get("region_attributes") if isinstance(row, dict) else None
        if not isinstance(shape, dict):
            reading.count()
            reading.broken(file, f"image {key[:80]}, region {number}", "it has no shape_attributes", "Draw it again.")
            continue
        regions.append(_Region(shape, attributes if isinstance(attributes, dict) else {}))
    return regions


def _of_csv(file: Path, text: str, reading: Reading) -> list[_Picture]:
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    header = next((line.removeprefix("#").strip() for line in comments if "spatial_coordinates" in line), None)
    if header is not None:  # VIA 3 writes the names of the columns as a comment
        names = header.partition("=")[2] or header
        lines = [names.strip().strip('"'), *(line for line in lines if not line.startswith("#"))]
    pictures: dict[str, _Picture] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO("\n".join(lines))), 2):
        try:
            name, region = _of_csv_row(row)
        except (ValueError, AttributeError, RecursionError, TypeError) as error:
            reading.count()
            reading.broken(file, f"row {number}", f"it is not a region of VIA ({str(error)[:80]})", "Export it again.")
            continue
        picture = pictures.setdefault(name, _Picture(file, name))
        if region is not None:
            picture.regions.append(region)
    return list(pictures.values())


def _of_csv_row(row: dict[str, Any]) -> tuple[str, _Region | None]:
    if "spatial_coordinates" in row:  # VIA 3
        names = json.loads(row["file_list"])
        coordinates = json.loads(row["spatial_coordinates"] or "[]")
        attributes = json.loads(row.get("metadata") or "{}")
        return str(names[0]), _Region(_via3_shape(coordinates), _object(attributes)) if coordinates else None
    name = row.get("filename") or row.get("#filename")
    if not name:
        raise ValueError("no filename")
    shape = _object(json.loads(row["region_shape_attributes"] or "{}"))
    return name, _Region(shape, _object(json.loads(row.get("region_attributes") or "{}"))) if shape else None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"its attributes are a {type(value).__name__}; expected an object")
    return value


def _of_via3(file: Path, content: dict[str, Any]) -> list[_Picture]:
    pictures: dict[str, _Picture] = {}
    names = {str(key): str(entry.get("fname")) for key, entry in content["file"].items() if isinstance(entry, dict)}
    views = content.get("view") or {}
    listed = {str(key): [str(number) for number in view.get("fid_list", [])] for key, view in views.items()}
    for key, numbers in listed.items():
        if numbers and numbers[0] in names:
            pictures[key] = _Picture(file, names[numbers[0]])
    attributes = content.get("attribute") or {}
    for entry in content["metadata"].values():
        picture = pictures.get(str(entry.get("vid"))) if isinstance(entry, dict) else None
        if picture is None or not entry.get("xy"):
            continue  # a time span or a note about the whole file
        chosen = {}
        for key, value in (entry.get("av") or {}).items():
            definition = attributes.get(key) or {}
            chosen[str(definition.get("aname") or key)] = (definition.get("options") or {}).get(str(value)) or value
        picture.regions.append(_Region(_via3_shape(entry["xy"]), chosen))
    return list(pictures.values())


def _via3_shape(coordinates: Any) -> dict[str, Any]:
    """Return the attributes that VIA 2 gives a shape of VIA 3, a list of its kind and its numbers."""
    if not isinstance(coordinates, list) or not coordinates:
        raise ValueError("no coordinates")
    kind, numbers = _VIA3_SHAPES.get(coordinates[0], str(coordinates[0])), coordinates[1:]
    keys = {"rect": ("x", "y", "width", "height"), "circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry")}
    if kind in keys:
        return {"name": kind, **dict(zip(keys[kind], numbers, strict=False))}
    return {"name": kind, "all_points_x": numbers[::2], "all_points_y": numbers[1::2]}


def _without_copies(files: list[Path]) -> list[Path]:
    """Of a json and a csv file of the same stem, keep the json: they are two exports of the same regions."""
    stems = {file.with_suffix("") for file in files if file.suffix.lower() == ".json"}
    return [file for file in files if file.suffix.lower() == ".json" or file.with_suffix("") not in stems]


def _is_of_via(file: Path) -> bool:
    return any(mark in head_text(file) for mark in _MARKS)
