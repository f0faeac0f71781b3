"""Compare the size that a COCO file states for an image with the size of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.data.formats.coco_content import as_side
from samtailor.data.formats.coco_masks import finite_box, is_number, read_segmentation
from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.sizes import stated_size_error
from samtailor.data.pixels.pillow import exif_turn, has_rotation
from samtailor.data.words import quoted
from samtailor.errors import DataError

__all__ = ["CoordinateScale", "coordinate_scale"]

_SAME_SHAPE = 0.02  # difference of the two sides' factors up to which a picture counts as scaled, not cropped

_Size = tuple[int | float, int | float]


@dataclass(frozen=True)
class CoordinateScale:
    """How the coordinates of a file become pixels.

    Attributes:
        factors: for x and y; 1 if the stated size is right or absent.
        repair: what is odd about the stated size, in words; may be empty.
        scaled: the two sizes in words if they differ; otherwise empty.
        turn: EXIF orientation by which masks are turned, because they were drawn on the stored pixels; 1 for none.
    """

    factors: tuple[float, float] = (1.0, 1.0)
    repair: str = ""
    scaled: str = ""
    turn: int = 1


def coordinate_scale(
    file: Path, entry: dict[str, Any], picture: Path, actual: tuple[int, int], annotations: list[dict[str, Any]]
) -> CoordinateScale:
    """Return how the coordinates of an image's annotations become pixels of its picture.

    A picture that was scaled after it was annotated, by one factor for both sides, has polygons in the stated size.
    Polygons between 0 and 1 are fractions of the sides. If a file states the size before the EXIF rotation, masks that
    fit into it were drawn before the rotation too.

    Args:
        file: the COCO file.
        entry: the entry of the image, with ``width`` and ``height``.
        picture: the picture.
        actual: its (width, height).
        annotations: the annotations of the image.

    Raises:
        DataError: the stated size is no size, or another one and not only because the picture was scaled.
    """
    try:
        width, height = as_side(entry.get("width")), as_side(entry.get("height"))
    except ValueError as error:
        text = f"{quoted(entry.get('width'), 40)} x {quoted(entry.get('height'), 40)}"
        raise DataError(f"states the size {text}; {error} is no number of pixels.", FIX_HINT) from None
    if _are_fractions(annotations):
        factors = (float(actual[0]), float(actual[1]))
        return CoordinateScale(factors, repair="coordinates between 0 and 1, as fractions of the image")
    if width is None or height is None or (width, height) == actual:
        return CoordinateScale()
    stated = (width, height)
    rle_sizes = {size for annotation in annotations if (size := _rle_size(annotation)) is not None}
    if rle_sizes == {actual} and _fit(annotations, actual):
        return CoordinateScale(repair="stated size of an image that its masks do not have")
    if stated == actual[::-1] and not has_rotation(picture) and _only_fit(annotations, actual, stated):
        return CoordinateScale(repair="width and height exchanged")
    if stated == actual[::-1] and has_rotation(picture) and rle_sizes <= {stated}:
        if _fit(annotations, stated):
            return CoordinateScale(turn=exif_turn(picture))
        if _fit(annotations, actual):
            return CoordinateScale(repair="stated size of an image before its EXIF rotation")
    x, y = actual[0] / width, actual[1] / height
    if abs(x - y) > _SAME_SHAPE * max(x, y) or rle_sizes or _only_fit(annotations, actual, stated):
        raise stated_size_error(file, stated, picture, actual)
    sizes = f"{picture} has {actual[0]} x {actual[1]} pixels, stated are {width:g} x {height:g}"
    return CoordinateScale((x, y), scaled=sizes)


def _are_fractions(annotations: list[dict[str, Any]]) -> bool:
    """Return True if an image has polygons, and all end between 0 and 1 at a number that is not whole."""
    if any(isinstance(annotation.get("segmentation"), dict) for annotation in annotations):
        return False
    ends = [end for annotation in annotations if (end := _end(annotation)) is not None]
    in_one = all(0 < x <= 1 and 0 < y <= 1 for x, y in ends)
    return bool(ends) and in_one and any(not float(side).is_integer() for end in ends for side in end)


def _only_fit(annotations: list[dict[str, Any]], size: _Size, other: _Size) -> bool:
    return _fit(annotations, size) and not _fit(annotations, other)


def _fit(annotations: list[dict[str, Any]], size: _Size) -> bool:
    """Return True if all polygons and boxes end inside a size, with a pixel to spare."""
    ends = [end for annotation in annotations if (end := _end(annotation)) is not None]
    return all(x <= size[0] + 1 and y <= size[1] + 1 for x, y in ends)


def _end(annotation: dict[str, Any]) -> tuple[float, float] | None:
    """Return the largest x and y of an annotation, from its polygons or its box."""
    box, segmentation = finite_box(annotation.get("bbox")), annotation.get("segmentation")
    if not isinstance(segmentation, dict):
        try:
            return read_segmentation(segmentation, 1, 1).extent[2:]
        except ValueError:
            pass
    return None if box is None else (box[0] + box[2], box[1] + box[3])


def _rle_size(annotation: dict[str, Any]) -> tuple[int, int] | None:
    """Return (width, height) of the RLE of an annotation."""
    segmentation = annotation.get("segmentation")
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if not (isinstance(size, list) and len(size) == 2 and all(is_number(side) for side in size)):
        return None
    return int(size[1]), int(size[0])
