"""Simulate clicks and boxes from masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from samtailor.metrics.extent import mask_extent
from samtailor.prompts.types import Prompts

__all__ = [
    "deepest_pixel",
    "simulate_background_click",
    "simulate_boundary_click",
    "simulate_box",
    "simulate_click",
    "simulate_prompts",
]


def simulate_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Click the centre of a random foreground pixel of a mask that is not empty; (2,) float32, image frame."""
    foreground = np.flatnonzero(mask)
    y, x = divmod(int(foreground[rng.integers(len(foreground))]), mask.shape[1])
    return np.array([x + 0.5, y + 0.5], dtype=np.float32)


def simulate_box(mask: np.ndarray, rng: np.random.Generator, jitter: float = 0.0) -> np.ndarray:
    """Draw the tight box of a mask and move each side by up to ``jitter`` of the box's width or height.

    Returns:
        (4,) float32 (x0, y0, x1, y1), image frame, clipped to the image, at least half a pixel wide and high.
    """
    height, width = mask.shape
    top, bottom, left, right = mask_extent(mask)
    box = np.array([left, top, right, bottom], dtype=np.float32)
    sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    moved = np.clip(box + rng.uniform(-jitter, jitter, 4) * sides, 0, [width, height, width, height])
    too_thin = np.tile(moved[2:] - moved[:2] < 0.5, 2)
    return np.where(too_thin, box, moved).astype(np.float32)


def simulate_prompts(
    masks: Iterable[np.ndarray],
    kind: Literal["click", "box"],
    rngs: Sequence[np.random.Generator],
    jitter: float = 0.0,
) -> Prompts:
    """Simulate one prompt per (H, W) mask; each has its own generator, so prompts do not depend on each other."""
    pairs = zip(masks, rngs, strict=True)  # masks may be a generator that holds one mask at a time
    if kind == "box":
        return Prompts(boxes=np.stack([simulate_box(m, r, jitter) for m, r in pairs]))
    points = np.stack([simulate_click(m, r) for m, r in pairs])[:, None]
    return Prompts(points=points, labels=np.ones(points.shape[:2], dtype=np.int64))


def deepest_pixel(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the foreground pixel that is farthest from the background and from the border of the image.

    Returns:
        (x, y) as (2,) float32, image frame, and its distance in pixels. The mask must not be empty.
    """
    depth, top, left = _depths(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return np.array([left + x + 0.5, top + y + 0.5], dtype=np.float32), float(depth[y, x])


def simulate_boundary_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Click a random pixel among the outermost quarter of the foreground; (2,) float32, image frame."""
    depth, top, left = _depths(mask)
    inside = depth > 0
    y, x = rng.choice(np.argwhere(inside & (depth <= np.quantile(depth[inside], 0.25))))
    return np.array([left + x + 0.5, top + y + 0.5], dtype=np.float32)


def simulate_background_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Click the background near the object: inside its box, enlarged by a quarter on each side.

    Returns:
        (2,) float32, image frame; anywhere on the background if the enlarged box has none, and None if the mask fills
        the image.
    """
    height, width = mask.shape
    box = mask_extent(mask)
    across, down = -(-box.width // 4), -(-box.height // 4)
    top, left = max(0, box.top - down), max(0, box.left - across)
    free = np.argwhere(~mask[top : min(height, box.bottom + down), left : min(width, box.right + across)])
    if len(free) == 0:
        free, top, left = np.argwhere(~mask), 0, 0
    if len(free) == 0:
        return None
    y, x = rng.choice(free)
    return np.array([left + x + 0.5, top + y + 0.5], dtype=np.float32)


def _depths(mask: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Distance to the background or the border inside the mask's bounding box, and the top and left of that box."""
    from scipy.ndimage import distance_transform_edt  # imported here: a user's own prompts do not need scipy

    extent = mask_extent(mask)
    padded = np.pad(mask[extent.window], 1)
    return distance_transform_edt(padded)[1:-1, 1:-1], extent.top, extent.left
