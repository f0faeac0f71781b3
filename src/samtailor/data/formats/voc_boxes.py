"""The boxes of a Pascal VOC xml file, filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException, ElementTree

from samtailor.data.formats.reading import Found, read_bytes
from samtailor.data.formats.shapes import box_rle
from samtailor.errors import DataError

__all__ = ["read_boxes"]


def read_boxes(path: Path, height: int, width: int) -> tuple[Found, ...]:
    """Class name, filled box and area of each object.

    Pascal counts pixels from 1 and means the last one inclusive, so xmin 1 and xmax 10 are the first ten columns.

    Args:
        path: the xml file.
        height: of its image, pixels.
        width: of its image, pixels.

    Raises:
        DataError: the file is missing, no such xml, of another size, or has a box that is none.
    """
    content = read_bytes(path)
    try:  # defusedxml: entities of a document type could grow without end, or fetch other files
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError(f"{path} is not XML that can be read ({error}).", "Write it again.") from error
    if root.tag != "annotation":
        raise DataError(f"{path} holds <{root.tag}>; expected <annotation>.", "Pascal VOC files begin with that.")
    said = [root.findtext(f"size/{side}") for side in ("width", "height")]
    if None not in said and _numbers(path, "size", said) != [width, height]:
        raise DataError(
            f"{path} says that its image has {said[0]} x {said[1]} pixels (width x height), but it has {width} x "
            f"{height}.",
            "Use the image that the boxes were drawn on.",
        )
    return tuple(_object(path, place, entry, height, width) for place, entry in enumerate(root.iter("object"), 1))


def _object(path: Path, place: int, entry: Any, height: int, width: int) -> Found:
    name = (entry.findtext("name") or "").strip()
    if not name:
        raise DataError(f"{path}: object {place} has no name.", "Name its class.")
    corners = [entry.findtext(f"bndbox/{corner}") for corner in ("xmin", "ymin", "xmax", "ymax")]
    x0, y0, x1, y1 = _numbers(path, f"object {place} ({name})", corners)
    if x1 < x0 or y1 < y0:
        raise DataError(
            f"{path}: object {place} ({name}) has a box from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}).", "Mend it."
        )
    try:
        return (name, *box_rle(x0 - 1, y0 - 1, x1, y1, height, width))
    except ValueError as error:
        raise DataError(f"{path}: object {place} ({name}) cannot be used: {error}.", "Mend its box.") from error


def _numbers(path: Path, where: str, texts: list[str | None]) -> list[float]:
    try:
        return [float(text or "") for text in texts]
    except ValueError as error:
        raise DataError(f"{path}: {where} has the numbers {texts}; expected digits.", "Mend the file.") from error
