"""Masks of COCO annotations: polygons, RLE and boxes, in every spelling that has only one meaning."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.formats.oriented import FEWEST_BOXES, are_oriented_boxes
from samtailor.data.formats.shapes import box_rle, union
from samtailor.data.pixels.rle import Rle, mask_rle, polygons_rle, rle_from_counts
from samtailor.data.pixels.tiff import turned
from samtailor.data.words import quoted

__all__ = ["CocoMask", "are_boxes", "finite_box", "is_number", "read_box", "read_segmentation", "turned_rle"]

Extent = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels


@dataclass(frozen=True)
class CocoMask:
    """A mask of an annotation.

    Attributes:
        rle: compressed RLE, clipped to the image.
        area: its pixels.
        extent: x0, y0, x1, y1 before clipping, pixels.
        is_rle: True if the file has RLE, False if it has polygons or a box.
        repairs: what had to be repaired, in words.
    """

    rle: Rle
    area: int
    extent: Extent
    is_rle: bool = False
    repairs: tuple[str, ...] = ()


def read_segmentation(segmentation: Any, height: int, width: int, scale: tuple[float, float] = (1.0, 1.0)) -> CocoMask:
    """Return the mask of a COCO segmentation.

    Args:
        segmentation: polygons, one flat polygon, polygons of pairs [x, y], RLE, or a list of RLEs; also as JSON text.
        height: height of the image, pixels.
        width: width of the image, pixels.
        scale: factors for x and y from the coordinates of polygons to pixels.

    Raises:
        ValueError: it is not a valid segmentation.
    """
    repairs: list[str] = []
    if isinstance(segmentation, str) and segmentation.strip():
        segmentation = _parse_text(segmentation)
        repairs.append("segmentation as text")
    if isinstance(segmentation, dict) and segmentation:
        segmentation = [segmentation]
    if is_empty(segmentation):
        raise ValueError("it has no mask (segmentation is empty); expected polygons or RLE, not a box alone")
    if not isinstance(segmentation, list):
        raise ValueError(f"its segmentation is a {type(segmentation).__name__}; expected polygons or RLE")
    if all(isinstance(part, dict) and "counts" in part for part in segmentation):
        if scale != (1.0, 1.0):
            raise ValueError("its RLE belongs to a picture of another size")
        masks = [_rle(part, height, width, repairs) for part in segmentation]
        rle, area = union(masks)
        x, y, w, h = coco_mask.toBbox(rle).tolist()
        return CocoMask(rle, area, (x, y, x + w, y + h), True, tuple(repairs))
    polygons = [_scaled(polygon, scale) for polygon in _polygons(segmentation, repairs)]
    rle, area = polygons_rle(polygons, height, width)
    xs = [x for polygon in polygons for x in polygon[0::2]]
    ys = [y for polygon in polygons for y in polygon[1::2]]
    return CocoMask(rle, area, (min(xs), min(ys), max(xs), max(ys)), False, tuple(repairs))


def read_box(bbox: Any, height: int, width: int, scale: tuple[float, float] = (1.0, 1.0)) -> CocoMask:
    """Return the filled box [x, y, width, height] of an object without a mask.

    Raises:
        ValueError: it is not a valid box.
    """
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(is_number(value) for value in bbox)):
        raise ValueError(f"it has no mask, and its box is {quoted(bbox)}; expected [x, y, width, height]")
    x, y, w, h = (float(value) for value in bbox)
    if not all(math.isfinite(value) for value in (x, y, w, h)):
        raise ValueError(f"it has no mask, and its box is {quoted(bbox)}; expected finite numbers")
    if w < 0 or h < 0:
        raise ValueError(f"its box is {w:g} wide and {h:g} high; expected more than 0")
    x, y, w, h = x * scale[0], y * scale[1], w * scale[0], h * scale[1]
    rle, area = box_rle(x, y, x + w, y + h, height, width)
    return CocoMask(rle, area, (x, y, x + w, y + h))


def turned_rle(rle: Rle, turn: int) -> Rle:
    """Return a mask after the rotation of an EXIF orientation, 1 to 8."""
    if turn == 1:
        return rle
    return mask_rle(np.ascontiguousarray(turned(np.asarray(coco_mask.decode(rle), dtype=bool), turn)))


def is_empty(segmentation: Any) -> bool:
    """Return True for null, an empty list or dict, blank text, and lists of empty lists."""
    if isinstance(segmentation, list):
        return all(isinstance(part, (list, dict)) and not part for part in segmentation)
    return segmentation is None or segmentation == {} or (isinstance(segmentation, str) and not segmentation.strip())


def is_number(value: Any) -> TypeGuard[float]:
    """Return True for a number of JSON that fits into a float; not for true and false."""
    return type(value) is float or (type(value) is int and abs(value) < 2**63)


def are_boxes(segmentations: Iterable[Any]) -> bool:
    """Return True if all segmentations are polygons of four corners, and nearly all of these are right angles.

    Fewer than five may be a chance.
    """
    quadrilaterals = []
    for segmentation in segmentations:
        if is_empty(segmentation):
            continue
        if not isinstance(segmentation, list) or len(segmentation) != 1 or not isinstance(segmentation[0], list):
            return False
        corners = segmentation[0]
        if len(corners) == 10 and corners[:2] == corners[8:]:  # closed
            corners = corners[:8]
        if len(corners) != 8 or not all(is_number(value) for value in corners):
            return False
        quadrilaterals.append(list(zip(corners[::2], corners[1::2], strict=True)))
    return len(quadrilaterals) >= FEWEST_BOXES and are_oriented_boxes(quadrilaterals)


def finite_box(bbox: Any) -> tuple[float, float, float, float] | None:
    """Return x, y, width, height of a stored box; None if it is not a usable box."""
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(is_number(value) for value in bbox)):
        return None
    x, y, w, h = (float(value) for value in bbox)
    return (x, y, w, h) if all(map(math.isfinite, (x, y, w, h))) and w > 0 and h > 0 else None


def _parse_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its segmentation is the text {quoted(text)}; expected polygons or RLE") from error


def _polygons(segmentation: list[Any], repairs: list[str]) -> list[list[float]]:
    """Return polygons [x0, y0, x1, y1, ...] of three points or more."""
    is_flat = not any(isinstance(part, (list, dict)) for part in segmentation)
    if is_flat or all(_is_point(part) for part in segmentation):  # also [[x, y], [x, y], ...]
        segmentation = [segmentation]
        repairs.append("polygon without the outer list")
    polygons = []
    for part in segmentation:
        if isinstance(part, list) and part and all(_is_point(point) for point in part):
            part = [value for point in part for value in _pair(point)]
            repairs.append("polygon of pairs [x, y]")
        if isinstance(part, list) and part and all(isinstance(value, str) for value in part):
            try:
                part = [float(value) for value in part]
                repairs.append("coordinates as text")
            except ValueError:
                pass  # polygons_rle says what is wrong
        polygons.append(part)
    flat = [polygon for polygon in polygons if not _is_degenerate(polygon)]
    if flat and len(flat) < len(polygons):
        repairs += ["polygon of fewer than three points left out of a mask"] * (len(polygons) - len(flat))
        return flat
    return polygons


def _is_point(part: Any) -> bool:
    if isinstance(part, dict):
        return "x" in part and "y" in part
    return isinstance(part, list) and len(part) == 2 and all(is_number(value) for value in part)


def _pair(point: Any) -> list[float]:
    return [point["x"], point["y"]] if isinstance(point, dict) else point


def _is_degenerate(polygon: Any) -> bool:
    """Return True for a polygon of one or two whole points, which has no area."""
    return isinstance(polygon, list) and len(polygon) in (0, 2, 4) and all(is_number(value) for value in polygon)


def _scaled(polygon: Any, scale: tuple[float, float]) -> Any:
    if scale == (1.0, 1.0) or not isinstance(polygon, list) or not all(is_number(value) for value in polygon):
        return polygon
    return [value * scale[index % 2] for index, value in enumerate(polygon)]


def _rle(segmentation: dict[str, Any], height: int, width: int, repairs: list[str]) -> tuple[Rle, int]:
    size, counts = segmentation.get("size", [height, width]), segmentation["counts"]
    if isinstance(size, list) and all(is_number(side) and side == int(side) for side in size if side == side):
        size = [int(side) if math.isfinite(side) else side for side in size]
    if size != [height, width]:
        raise ValueError(f"its RLE has size {quoted(size)}; expected [height, width] of its image, [{height}, {width}]")
    if isinstance(counts, str) and counts[:2] in ("b'", 'b"'):  # written with str() of the bytes of pycocotools
        try:
            counts = ast.literal_eval(counts)
        except (ValueError, SyntaxError) as error:
            raise ValueError("its compressed RLE is empty or holds invalid characters") from error
        repairs.append("RLE written as Python bytes")
    if isinstance(counts, list) and all(is_number(count) for count in counts):
        whole = np.asarray(counts, dtype=np.float64)
        if np.isfinite(whole).all() and (whole == np.floor(whole)).all():
            counts = [int(count) for count in counts]
    if not isinstance(counts, (str, bytes, list)):
        raise ValueError(f"its RLE has counts of type {type(counts).__name__}; expected text or a list")
    return rle_from_counts(counts, height, width)
