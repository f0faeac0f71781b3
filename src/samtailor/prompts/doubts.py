"""Warn about prompts that are accepted but are probably not what the user meant."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np

from samtailor.errors import PromptWarning
from samtailor.prompts.types import Prompts

if TYPE_CHECKING:  # frames import torch, which help texts must not wait for
    from samtailor.frames import Frame

__all__ = ["warn", "warn_of_doubts", "warn_of_new_kinds"]

_WORDS = {"click": "clicks", "box": "boxes", "mask": "masks"}


def warn(text: str) -> None:
    """Issue a PromptWarning at the line of the user that called samtailor; Python shows it once per line."""
    depth = 0
    while sys._getframe(depth).f_globals.get("__name__", "").startswith("samtailor."):
        if sys._getframe(depth).f_back is None:
            break
        depth += 1
    warnings.warn(text, PromptWarning, stacklevel=depth + 1)


def warn_of_doubts(prompts: Prompts, frame: Frame) -> None:
    """Warn of prompts of background clicks alone, and of coordinates that look like fractions of the image."""
    points, labels, boxes = prompts.points, prompts.labels, prompts.boxes
    alone = boxes is None and prompts.masks is None
    if alone and labels is not None and ((labels != 1) & (labels >= 0).any(axis=1, keepdims=True)).all(axis=1).any():
        warn(
            "A prompt has background clicks alone: it does not say where the object is. "
            "Add a foreground click (label 1) or a box."
        )
    if max(frame.width, frame.height) > 2 and (_fractions(points, labels) or _fractions(boxes)):
        warn(
            "All coordinates are between 0 and 1, which is the first pixel of the image. "
            "Coordinates are pixels: multiply fractions by the image's width and height."
        )


def warn_of_new_kinds(prompts: Prompts, fitted_on: str | None) -> None:
    """Warn of a kind of prompt that an adapter was not fitted on.

    Args:
        prompts: what the adapter is asked with.
        fitted_on: the setting ``prompts`` of its fit, such as ``click`` or ``mix``; None if it is not known.
    """
    fitted = _fitted_kinds(fitted_on)
    new = sorted(_kinds(prompts) - fitted)
    if fitted and new:
        known = " and ".join(_WORDS[kind] for kind in sorted(fitted))
        warn(
            f"The adapter was fitted on {known}, not on {' and '.join(_WORDS[kind] for kind in new)}: its masks may be "
            "worse than the base's. Compare with the base alone (adapted=False, or no --adapter), or fit with "
            "--prompts interactive for clicks, boxes and corrections."
        )


def _kinds(prompts: Prompts) -> set[str]:
    parts = {"click": prompts.points, "box": prompts.boxes, "mask": prompts.masks}
    return {kind for kind, part in parts.items() if part is not None}


def _fitted_kinds(setting: str | None) -> set[str]:
    if setting is None:
        return set()
    if setting == "interactive":
        return {"click", "box", "mask"}
    return {"click", "box"} if setting == "mix" else {kind for kind in _WORDS if kind in setting}


def _fractions(values: np.ndarray | None, labels: np.ndarray | None = None) -> bool:
    """Return True if there are numbers, all within 0..1, and not all of them whole."""
    if values is None:
        return False
    numbers = values if labels is None else values[labels >= 0]
    within = numbers.size > 0 and bool((numbers <= 1).all())  # they are not negative
    return within and (numbers.shape[-1] == 4 or bool((numbers % 1 != 0).any()))
