"""Read xml files of one image each with polygons: of LabelMe on the web, and of Pascal VOC as Roboflow writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException, ElementTree

from samtailor.data.detect import PLAIN_SCORE, Match
from samtailor.data.formats.builders import DraftBuilder, build_task, open_image, split_of
from samtailor.data.formats.files import FIX_HINT, read_bytes
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.shapes import box_rle, points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task

__all__ = ["match_xml_polygons", "read_xml_polygons"]

_BOXES = 0.3  # score of boxes: masks in pictures beside them are worth more


def match_xml_polygons(root: Path) -> Match:
    """Judge whether the xml files below a folder have objects with polygons, or with boxes, which say less."""
    texts = [head_text(path) for path in first_files(root, (".xml",))] if root.is_dir() else []
    of_layout = [text for text in texts if "<annotation" in text and "<object" in text]
    if any("<polygon" in text for text in of_layout):
        return Match(PLAIN_SCORE, "xml files with polygons")
    return Match(_BOXES if any("<bndbox" in text for text in of_layout) else 0.0)


def read_xml_polygons(root: str | Path, reading: Reading) -> Task:
    """Read the polygons of all objects; objects with a box alone are left out or filled.

    Points are ``<pt><x>1</x><y>2</y></pt>`` (LabelMe on the web) or ``<x1>1</x1><y1>2</y1>`` (Roboflow). Deleted
    objects are left out. Splits come from folders.

    Args:
        root: a folder with xml files, and with the images anywhere below.
        reading: collects broken files and objects.
    """
    root = Path(root)
    finder = ImageFinder(root, reading)
    builders: dict[Path, DraftBuilder] = {}
    for file in sorted(files_below(root, (".xml",))):
        if "<annotation" not in head_text(file):
            continue
        try:  # defusedxml: entities of a document type could grow without limit or fetch other files
            document = ElementTree.fromstring(read_bytes(file), forbid_dtd=True)
        except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
            reading.count()
            reading.broken(file, "", f"it is not valid XML ({str(error)[:200]})", FIX_HINT)
            continue
        name = (document.findtext("filename") or "").strip() or f"{file.stem}.jpg"
        stated = _size(document)
        builder = open_image(reading, finder, file, name, stated=stated, split=split_of(file, root))
        if builder is None:
            continue
        builder = builders.setdefault(builder.path, builder)
        for number, entry in enumerate(document.iterfind("object"), 1):
            if (entry.findtext("deleted") or "0").strip() != "1":
                _add(builder, f"object {number}", entry)
    return build_task(root, "polygons in xml", builders.values(), reading)


def _size(document: Any) -> tuple[int, int] | None:
    texts = [
        (document.findtext(f"size/{side}") or document.findtext(f"imagesize/n{rows}") or "").strip()
        for side, rows in (("width", "cols"), ("height", "rows"))
    ]
    if not all(re.fullmatch(r"\d{1,9}(\.0*)?", text) for text in texts):
        return None
    width, height = (int(float(text)) for text in texts)
    return (width, height) if width and height else None


def _add(builder: DraftBuilder, entry: str, element: Any) -> None:
    label = (element.findtext("name") or "").strip()
    polygon = element.find("polygon")
    if polygon is not None and len(polygon):
        builder.add(f"{entry} ({label[:40]})", label, _polygon(polygon))
    else:
        builder.add(f"{entry} ({label[:40]}, box)", label, _box(element), True)


def _polygon(polygon: Any) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        points = [(_number(point.findtext("x")), _number(point.findtext("y"))) for point in polygon.iterfind("pt")]
        numbered = {child.tag: child.text for child in polygon if re.fullmatch(r"[xy]\d+", child.tag)}
        for n in sorted({int(tag[1:]) for tag in numbered}):
            points.append((_number(numbered.get(f"x{n}")), _number(numbered.get(f"y{n}"))))
        if len(points) < 3:
            raise ValueError(f"its polygon has {len(points)} points; expected 3 or more")
        return points_rle(points, height, width)

    return make


def _box(element: Any) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        corners = ("xmin", "ymin", "xmax", "ymax")
        x0, y0, x1, y1 = (_number(element.findtext(f"bndbox/{corner}")) for corner in corners)
        return box_rle(x0 - 1, y0 - 1, x1, y1, height, width)  # Pascal VOC counts pixels from 1

    return make


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError as error:
        raise ValueError(f"it has the coordinate {str(text)[:40]!r}; expected a number") from error
