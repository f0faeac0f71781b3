"""Drawn shapes as masks: polygons, boxes and circles in image pixels become compressed RLE, clipped to the image.

All functions raise ValueError with a short cause; the readers say which file and line it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.pixels.rle import Rle, mask_rle, polygons_rle

__all__ = ["BOXES_HINT", "box_rle", "circle_rle", "pair_list", "union"]

BOXES_HINT = (
    "A box is not a mask: draw masks, or add --boxes-as-masks (boxes_as_masks=True in Python) to have rectangles "
    "filled in."
)


def pair_list(points: Any, least: int) -> list[list[float]]:
    """Points [[x, y], ...] as they stand in a file.

    Raises:
        ValueError: they are no pairs of numbers, or fewer than ``least``.
    """
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(type(value) in (int, float) for value in point)
        for point in points
    )
    if not good:
        raise ValueError("its points are no list of pairs [x, y]")
    if len(points) < least:
        raise ValueError(f"it has {len(points)} points; expected {least} or more")
    try:
        return [[float(x), float(y)] for x, y in points]
    except OverflowError as error:
        raise ValueError("a coordinate is too large") from error


def box_rle(x0: float, y0: float, x1: float, y1: float, height: int, width: int) -> tuple[Rle, int]:
    """Compressed RLE and area of a filled box between two opposite corners, (x, y) in image pixels.

    Raises:
        ValueError: a coordinate is no number of pixels, or the box has no inside.
    """
    (x0, x1), (y0, y1) = sorted((float(x0), float(x1))), sorted((float(y0), float(y1)))
    if x0 == x1 or y0 == y1:
        raise ValueError(f"its box has no inside: {x0:g} to {x1:g} wide, {y0:g} to {y1:g} high")
    return polygons_rle([[x0, y0, x1, y0, x1, y1, x0, y1]], height, width)


def circle_rle(centre: Sequence[float], on_edge: Sequence[float], height: int, width: int) -> tuple[Rle, int]:
    """Compressed RLE and area of a disc: the pixels whose centres lie within it.

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


def union(parts: Sequence[tuple[Rle, int]]) -> tuple[Rle, int]:
    """Compressed RLE and area of what any of one or more masks covers."""
    if len(parts) == 1:
        return parts[0]
    rle = dict(coco_mask.merge([part for part, _ in parts]))
    return rle, int(coco_mask.area(rle))
