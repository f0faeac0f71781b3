"""Turn polygons, boxes and circles in image pixels into masks: compressed RLE, clipped to the image.

All functions raise ValueError with a short cause. The readers add the file and line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.pixels.rle import Rle, mask_rle, polygons_rle, rle_from_counts

__all__ = ["BOXES_HINT", "box_rle", "circle_rle", "four_numbers", "pair_list", "points_rle", "rle_from_dict", "union"]

BOXES_HINT = (
    "A box is not a mask. Draw masks, or add --boxes-as-masks (boxes_as_masks=True in Python) to fill the boxes."
)


def pair_list(points: Any, least: int) -> list[list[float]]:
    """Check a list of points [[x, y], ...] from a file.

    Raises:
        ValueError: it is not a list of pairs of numbers, or has fewer than ``least`` points.
    """
    valid = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(type(value) in (int, float) for value in point)
        for point in points
    )
    if not valid:
        raise ValueError("its points are not a list of pairs [x, y]")
    if len(points) < least:
        raise ValueError(f"it has {len(points)} points; expected {least} or more")
    try:
        return [[float(x), float(y)] for x, y in points]
    except OverflowError as error:
        raise ValueError("a coordinate is too large") from error


def four_numbers(box: Any) -> tuple[float, float, float, float]:
    """Check a box [x, y, width, height] from a file, for an object without a mask.

    Raises:
        ValueError: it is not a list of four numbers.
    """
    numbers = box if isinstance(box, list) else []
    if len(numbers) != 4 or any(type(value) not in (int, float) for value in numbers):
        raise ValueError(f"it has no mask, and its box is {box!r}; expected [x, y, width, height]")
    x, y, width, height = numbers
    return x, y, width, height


def rle_from_dict(segmentation: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of ``{"size": [height, width], "counts": ...}`` from a file.

    Raises:
        ValueError: the size is not that of the image, or the counts are invalid.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise ValueError(f"its RLE has size {size}; expected [height, width] of its image, [{height}, {width}]")
    if not isinstance(counts, (str, bytes, list)):
        raise ValueError(f"its RLE has counts of type {type(counts).__name__}; expected text or a list")
    return rle_from_counts(counts, height, width)


def points_rle(points: Sequence[Sequence[float]], height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of the polygon with the corners [[x, y], ...]."""
    return polygons_rle([[value for point in points for value in point]], height, width)


def box_rle(x0: float, y0: float, x1: float, y1: float, height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a filled box between two opposite corners.

    Raises:
        ValueError: a coordinate is not a number of pixels, or the box has no area.
    """
    (x0, x1), (y0, y1) = sorted((float(x0), float(x1))), sorted((float(y0), float(y1)))
    if x0 == x1 or y0 == y1:
        raise ValueError(f"its box has no area: x from {x0:g} to {x1:g}, y from {y0:g} to {y1:g}")
    return points_rle([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], height, width)


def circle_rle(centre: Sequence[float], on_edge: Sequence[float], height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a disc: the pixels whose centres are inside.

    Raises:
        ValueError: a coordinate is not finite.
    """
    points = np.array([centre, on_edge], dtype=np.float64)
    if not np.isfinite(points).all():
        raise ValueError(f"its circle has the points {points.tolist()}; expected finite numbers")
    (x, y), radius = points[0], float(np.hypot(*(points[1] - points[0])))
    rows, columns = np.ogrid[:height, :width]
    rle = mask_rle(np.hypot(columns + 0.5 - x, rows + 0.5 - y) <= radius)
    return rle, int(coco_mask.area(rle))


def union(masks: Sequence[tuple[Rle, int]]) -> tuple[Rle, int]:
    """Return compressed RLE and area of the union of one or more masks."""
    if len(masks) == 1:
        return masks[0]
    rle = dict(coco_mask.merge([rle for rle, _ in masks]))
    return rle, int(coco_mask.area(rle))
