"""Simulate the clicks with which people correct a mask."""

from __future__ import annotations

import numpy as np

from samtailor.prompts.simulation import deepest_pixel, simulate_click

__all__ = ["next_click"]


def next_click(
    predicted: np.ndarray, truth: np.ndarray, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, int] | None:
    """Place the next corrective click: on the missing or the excess area, whichever is deeper.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.
        rng: to click a random pixel of this area; None clicks its deepest pixel.

    Returns:
        (x, y) as (2,) float32, in pixels of the masks, and its label: 1 on missing area, 0 on excess area. None if the
        mask is right.
    """
    candidates = []
    for wrong, label in ((truth & ~predicted, 1), (predicted & ~truth, 0)):
        if wrong.any():
            point, depth = deepest_pixel(wrong)
            candidates.append((depth, label, point, wrong))
    if not candidates:
        return None
    _, label, point, wrong = max(candidates, key=lambda c: c[:2])
    return (point if rng is None else simulate_click(wrong, rng)), label
