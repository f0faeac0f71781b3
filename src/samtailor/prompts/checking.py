"""Check a user's prompts and bring them into shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.prompts.types import Prompts

if TYPE_CHECKING:  # frames import torch, which help texts must not wait for
    from samtailor.frames import Frame

__all__ = ["check_prompts"]


def check_prompts(
    points: Any = None, labels: Any = None, boxes: Any = None, masks: Any = None, *, frame: Frame
) -> Prompts:
    """Check prompts and convert them to arrays.

    Args:
        points: (P, 2) for one prompt, (N, P, 2) for several, or None; image frame.
        labels: (P,) or (N, P), 1 or 0; None means that every point is foreground.
        boxes: (4,) or (N, 4), or None; image frame. With points, N must agree.
        masks: (l, l) or (N, l, l) low-res logits, or None. With points or boxes, N must agree.
        frame: of the image.

    Raises:
        PromptError: there is no prompt, a shape or label is wrong, a box is empty, or a prompt is outside the image.
    """
    if points is None and boxes is None and masks is None:
        raise PromptError("No prompt was given.", "Give at least one point or one box.")
    if points is None and labels is not None:
        raise PromptError("Labels were given without points.", "Give one point per label.")
    clicks = None if points is None else _points(points, frame.width, frame.height)
    tags = None if clicks is None else _labels(labels, clicks.shape[:2])
    corners = None if boxes is None else _boxes(boxes, frame.width, frame.height)
    logits = None if masks is None else _masks(masks, frame.low_res_size)
    if clicks is not None and corners is not None and len(clicks) != len(corners):
        raise PromptError(
            f"{len(clicks)} point prompts and {len(corners)} boxes were given.",
            "Prompt i consists of points[i] and boxes[i]: give the same number of both.",
        )
    prompts = Prompts(clicks, tags, corners)
    if logits is not None and len(prompts) not in (0, len(logits)):
        raise PromptError(
            f"{len(prompts)} prompts and {len(logits)} input masks were given.",
            "Mask i belongs to prompt i: give one mask per prompt.",
        )
    return Prompts(clicks, tags, corners, logits)


def _numbers(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"The {name} are not an array of numbers: {error}.", "Give nested lists of equal length."
        ) from error
    if not np.isfinite(array).all():
        raise PromptError(f"The {name} contain NaN or infinity.", "Give finite numbers.")
    return array


def _points(points: Any, width: int, height: int) -> np.ndarray:
    array = _numbers(points, "points")
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[-1] != 2 or 0 in array.shape:
        raise PromptError(
            f"Points have shape {array.shape}.", "Expected (P, 2) for one prompt or (N, P, 2) for several."
        )
    outside = ((array < 0) | (array > (width, height))).any(-1)
    if outside.any():
        x, y = array[outside][0]
        raise PromptError(
            f"The point ({x:g}, {y:g}) lies outside the image of {width} x {height} pixels.",
            "Points are (x, y) in pixels of the original image, x to the right, y down.",
        )
    return array


def _labels(labels: Any, shape: tuple[int, ...]) -> np.ndarray:
    if labels is None:
        return np.ones(shape, dtype=np.int64)
    array = _numbers(labels, "labels")
    array = array[None] if array.ndim == 1 and shape[0] == 1 else array
    if array.shape != shape or not np.isin(array, (0, 1)).all():
        raise PromptError(
            f"Labels have shape {array.shape} and values {sorted(set(array.ravel().tolist()))[:5]}.",
            f"Expected shape {shape}, each 1 (foreground) or 0 (background).",
        )
    return array.astype(np.int64)


def _boxes(boxes: Any, width: int, height: int) -> np.ndarray:
    array = _numbers(boxes, "boxes")
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[-1] != 4 or len(array) == 0:
        raise PromptError(f"Boxes have shape {array.shape}.", "Expected (4,) or (N, 4): x0, y0, x1, y1.")
    for x0, y0, x1, y1 in array:
        if x0 >= x1 or y0 >= y1:
            raise PromptError(f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) is empty.", "Expected x0 < x1 and y0 < y1.")
        if min(x0, y0) < 0 or x1 > width or y1 > height:
            raise PromptError(
                f"The box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) reaches outside the image of {width} x {height} pixels.",
                "Clip the box to the image.",
            )
    return array


def _masks(masks: Any, side: int) -> np.ndarray:
    array = _numbers(masks, "input masks")
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[1:] != (side, side) or len(array) == 0:
        raise PromptError(
            f"Input masks have shape {array.shape}.",
            f"Expected ({side}, {side}) for one prompt or (N, {side}, {side}) for several: logits as "
            "Prediction.logits[:, 0] holds them.",
        )
    return array
