"""Check a user's prompts and bring them into shape."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.prompts.boxes import check_boxes
from samtailor.prompts.doubts import warn_of_doubts
from samtailor.prompts.numbers import finite, numbers
from samtailor.prompts.points import check_points
from samtailor.prompts.types import Prompts
from samtailor.prompts.words import check_words

if TYPE_CHECKING:  # frames import torch, which help texts must not wait for
    from samtailor.frames import Frame

__all__ = ["check_prompts"]


def check_prompts(
    points: Any = None, labels: Any = None, boxes: Any = None, masks: Any = None, words: Any = None, *, frame: Frame
) -> Prompts:
    """Check prompts and convert them to arrays.

    Numbers may come as nested lists, arrays, or tensors of any type on any device. Points and boxes that reach at most
    half a pixel outside the image are moved to its border. Empty points or boxes are no prompts: beside other prompts
    they are ignored, alone they give N = 0.

    Args:
        points: (P, 2) for one prompt, (N, P, 2) for several, or None; image frame. In a list of N prompts, each may
            have its own number of points.
        labels: (P,) or (N, P), or lists as long as the points: 1 foreground, 0 background, -1 padding, which is
            ignored; None means that every point is foreground.
        boxes: (4,) or (N, 4), or None; image frame. With points, N must agree.
        masks: (l, l) or (N, l, l) low-res logits, or None. With points or boxes, N must agree.
        words: a class name for all prompts, or one per prompt, or None. A word without a point, box or mask means all
            objects of the class.
        frame: of the image.

    Raises:
        PromptError: there is no prompt, a shape, label or word is wrong, a box is empty, or a prompt is outside the
            image.

    Warns:
        PromptWarning: a box was clipped, a prompt has background clicks alone, or coordinates look like fractions.
    """
    if points is None and boxes is None and masks is None and words is None:
        raise PromptError("No prompt was given.", "Give at least one point or one box.")
    if points is None and labels is not None:
        raise PromptError("Labels were given without points.", "Give one point per label.")
    clicks, tags = (None, None) if points is None else check_points(points, labels, frame.width, frame.height)
    corners = None if boxes is None else check_boxes(boxes, frame.width, frame.height)
    logits = None if masks is None else _masks(masks, frame.low_res_size)
    parts = (clicks, corners, logits)
    if any(part is not None and len(part) for part in parts):  # then empty ones are ignored
        clicks, corners, logits = (None if part is None or not len(part) else part for part in parts)
        tags = None if clicks is None else tags
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
    prompts = Prompts(clicks, tags, corners, logits)
    if words is not None:
        prompts = replace(prompts if len(prompts) else Prompts(), words=check_words(words, len(prompts)))
    prompts = _without_pointless_points(prompts)
    warn_of_doubts(prompts, frame)
    return prompts


def _without_pointless_points(prompts: Prompts) -> Prompts:
    """Drop points if no prompt has any.

    Raises:
        PromptError: a prompt has neither a point nor a box nor a mask nor a word.
    """
    if prompts.labels is None or not len(prompts):
        return prompts
    pointless = (prompts.labels < 0).all(axis=1)
    empty = pointless if prompts.words is None else pointless & np.array([not word for word in prompts.words])
    if empty.any() and prompts.boxes is None and prompts.masks is None:
        raise PromptError(
            f"Prompt {int(np.argmax(empty))} of {len(prompts)} (counted from 0) has no point.",
            "Leave the prompt out, or give it a point with label 1.",
        )
    return replace(prompts, points=None, labels=None) if pointless.all() else prompts


def _masks(masks: Any, side: int) -> np.ndarray:
    array = finite(numbers(masks, "input masks"), "input masks").astype(np.float32)
    array = array[None] if array.ndim == 2 else array
    array = array[:, 0] if array.ndim == 4 and array.shape[1] == 1 else array
    if array.size == 0 and array.shape[0] == 0:
        return np.zeros((0, side, side), dtype=np.float32)
    if array.ndim != 3 or array.shape[1:] != (side, side):
        raise PromptError(
            f"Input masks have shape {array.shape}.",
            f"Expected ({side}, {side}) for one prompt or (N, {side}, {side}) for several: logits as "
            "Prediction.logits[:, 0] holds them.",
        )
    return array
