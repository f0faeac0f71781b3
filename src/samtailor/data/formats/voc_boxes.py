"""Read the boxes of a Pascal VOC xml file as filled masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException, ElementTree

from samtailor.data.formats.drafts import LabelledMask
from samtailor.data.formats.files import FIX_HINT, read_bytes
from samtailor.data.formats.shapes import box_rle
from samtailor.data.formats.sizes import stated_size_error
from samtailor.data.reading import Reading
from samtailor.errors import DataError

__all__ = ["read_boxes"]


def read_boxes(path: Path, image: Path, height: int, width: int, reading: Reading) -> tuple[LabelledMask, ...]:
    """Return the filled box of each object.

    Pascal VOC counts pixels from 1 and includes the last one: xmin 1 and xmax 10 are the first ten columns.

    Args:
        path: the xml file.
        image: its image, for messages.
        height: height of the image, pixels.
        width: width of the image, pixels.
        reading: collects objects that cannot be used.

    Raises:
        DataError: the file is missing, is not such an xml, or states another size.
    """
    content = read_bytes(path)
    try:  # defusedxml: entities of a document type could grow without limit or fetch other files
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError(f"{path} is not valid XML ({error}).", FIX_HINT) from error
    if root.tag != "annotation":
        raise DataError(f"{path} starts with <{root.tag}>; expected <annotation>.", "Export it as Pascal VOC.")
    sides = [root.findtext(f"size/{side}") for side in ("width", "height")]
    if None not in sides:
        stated_width, stated_height = (
            int(side) if side.is_integer() else side for side in _numbers(path, "size", sides)
        )
        if (stated_width, stated_height) != (width, height):
            raise stated_size_error(path, (stated_width, stated_height), image, (width, height))
    masks: list[LabelledMask] = []
    for number, entry in enumerate(root.iter("object"), 1):
        reading.count()
        try:
            masks.append(_read_object(path, number, entry, height, width))
        except DataError as error:
            place = f"object {number}"
            cause = error.what.removesuffix(".").removeprefix(f"{path}: ").removeprefix(place)
            reading.broken(path, "", place + cause, error.hint)
    return tuple(masks)


def _read_object(path: Path, number: int, entry: Any, height: int, width: int) -> LabelledMask:
    name = (entry.findtext("name") or "").strip()
    if not name:
        raise DataError(f"{path}: object {number} has no name; expected its class.", "Add the name.")
    corners = [entry.findtext(f"bndbox/{corner}") for corner in ("xmin", "ymin", "xmax", "ymax")]
    x0, y0, x1, y1 = _numbers(path, f"object {number} ({name})", corners)
    if x1 < x0 or y1 < y0:
        raise DataError(
            f"{path}: object {number} ({name}) has a box from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}); expected xmin <= "
            "xmax and ymin <= ymax.",
            "Fix the box.",
        )
    try:
        return LabelledMask(name, *box_rle(x0 - 1, y0 - 1, x1, y1, height, width))
    except ValueError as error:
        raise DataError(f"{path}: object {number} ({name}) cannot be used: {error}.", "Fix its box.") from error


def _numbers(path: Path, place: str, texts: list[str | None]) -> list[float]:
    try:
        return [float(text or "") for text in texts]
    except ValueError as error:
        raise DataError(f"{path}: {place} has {texts}; expected numbers.", FIX_HINT) from error
