"""Recognise oriented boxes: quadrilaterals with four right angles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["BOX_SHARE", "FEWEST_BOXES", "are_oriented_boxes", "has_right_angles"]

FEWEST_BOXES = 5  # fewer right-angled shapes may be a chance
_ROUNDING = 0.5  # pixels: corners are often rounded
BOX_SHARE = 0.9  # of all shapes: a box cut at the border of its image has no right angles any more


def has_right_angles(points: Sequence[Sequence[float]]) -> bool:
    """Return True for the four corners [[x, y], ...] of a rectangle, upright or turned, in pixels."""
    if len(points) != 4:
        return False
    a, b, c, d = np.asarray(points, dtype=np.float64)
    if not np.isfinite([a, b, c, d]).all():
        return False
    first, second = b - a, c - b
    longest = max(float(np.hypot(*first)), float(np.hypot(*second)))
    if min(float(np.hypot(*first)), float(np.hypot(*second))) <= _ROUNDING:
        return False
    is_parallelogram = bool(np.hypot(*(a + c - b - d)) <= 2 * _ROUNDING)
    return is_parallelogram and bool(abs(first @ second) / longest <= _ROUNDING)


def are_oriented_boxes(polygons: Iterable[Sequence[Sequence[float]]]) -> bool:
    """Return True if all polygons have four corners and nearly all of them are rectangles; False if there is none.

    A person who draws outlines does not draw right angles only, so such a data set holds oriented boxes.
    """
    total = rectangles = 0
    for polygon in polygons:
        if len(polygon) != 4:
            return False
        total += 1
        rectangles += has_right_angles(polygon)
    return total > 0 and rectangles >= BOX_SHARE * total
