"""Check a user's boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.prompts.doubts import warn
from samtailor.prompts.numbers import finite, numbers
from samtailor.prompts.points import TOLERANCE

__all__ = ["check_boxes"]

FAR = 0.25
"""Share of the image's width or height by which a box may reach outside; boxes of another picture reach farther."""
FAR_PIXELS = 2.0
"""Pixels by which a box may reach outside a tiny image."""


def check_boxes(boxes: Any, width: int, height: int) -> np.ndarray:
    """Return boxes (N, 4) float32, clipped to the image; N may be 0.

    Raises:
        PromptError: a shape is wrong, a box is empty, or it lies far outside the image.

    Warns:
        PromptWarning: a box reached outside by more than ``TOLERANCE`` and was clipped.
    """
    array = finite(numbers(boxes, "boxes"), "boxes")
    if array.size == 0 and array.ndim <= 3:
        return np.zeros((0, 4), dtype=np.float32)
    array = array[None] if array.ndim == 1 else array
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    if array.ndim != 2 or array.shape[-1] != 4:
        more = array.ndim == 2 and array.shape[-1] > 4
        raise PromptError(
            f"Boxes have shape {array.shape}.",
            "Expected (4,) or (N, 4): x0, y0, x1, y1." + (" Give boxes[:, :4] without scores." if more else ""),
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32).astype(np.float64)  # a box thinner than float32 can tell is empty
    empty = _empty(array)
    if empty.any():
        raise PromptError(
            f"The box {_shown(array, empty)} is empty.",
            "Expected x0 < x1 and y0 < y1: corners, not width and height.",
        )
    size = np.array([width, height])
    over = np.maximum(-array[:, :2], array[:, 2:] - size)  # pixels outside, the larger of both ends
    clipped: np.ndarray = np.clip(array, 0, np.tile(size, 2))
    far = np.any(over > np.maximum(FAR * size, FAR_PIXELS), axis=1) | _empty(clipped)
    if far.any():
        raise PromptError(
            f"The box {_shown(array, far)} reaches far outside the image of {width} x {height} pixels.",
            "Boxes are x0, y0, x1, y1 in pixels of the original image.",
        )
    if (over > TOLERANCE).any():
        warn("A box reaches outside the image; it was clipped to the image.")
    boxes32: np.ndarray = clipped.astype(np.float32)
    return boxes32


def _empty(boxes: np.ndarray) -> np.ndarray:
    return np.array((boxes[:, 2:] <= boxes[:, :2]).any(axis=1))


def _shown(boxes: np.ndarray, wrong: np.ndarray) -> str:
    position = int(np.argmax(wrong))
    corners = ", ".join(f"{value:g}" for value in boxes[position])
    return f"({corners})" if len(boxes) == 1 else f"{position} (counted from 0), ({corners}),"
