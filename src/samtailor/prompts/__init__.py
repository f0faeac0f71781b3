"""Prompts in the image frame: checking what a user gives, and simulating clicks and boxes from masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from samtailor.errors import PromptError
from samtailor.metrics.extent import mask_extent

__all__ = [
    "AskedKind",
    "PromptKind",
    "Prompts",
    "check_asked",
    "check_kind",
    "check_prompts",
    "deepest_pixel",
    "simulate_background_click",
    "simulate_boundary_click",
    "simulate_box",
    "simulate_click",
    "simulate_prompts",
]

PromptKind = Literal["click", "box", "mix"]
"""What is simulated: one click, one box, or one of them by a fair coin (per image in training, else per instance)."""


AskedKind = PromptKind | Literal["3 clicks"]
"""What an evaluation may ask beside: three clicks on the object in one prompt. Nothing is trained on it."""


def check_kind(kind: str) -> None:
    """Refuse a kind of prompt that cannot be simulated.

    Raises:
        PromptError: with the kinds there are.
    """
    if kind not in get_args(PromptKind):
        raise PromptError(f"Prompts of kind {kind!r} cannot be simulated.", "Choose click, box or mix.")


def check_asked(kind: str) -> None:
    """As ``check_kind``, for an evaluation."""
    if kind != "3 clicks":
        check_kind(kind)


@dataclass(frozen=True)
class Prompts:
    """N prompts on one image, in the image frame (pixels, (x, y), pixel centres at +0.5).

    Attributes:
        points: (N, P, 2) float32 or None.
        labels: (N, P) int64, 1 foreground, 0 background; None exactly when ``points`` is.
        boxes: (N, 4) float32 (x0, y0, x1, y1) or None.
    """

    points: np.ndarray | None = None
    labels: np.ndarray | None = None
    boxes: np.ndarray | None = None

    def __len__(self) -> int:
        given = self.points if self.points is not None else self.boxes
        return 0 if given is None else len(given)

    def __getitem__(self, rows: slice) -> Prompts:
        """Some of the prompts."""
        return Prompts(*(None if part is None else part[rows] for part in (self.points, self.labels, self.boxes)))


def check_prompts(points: Any, labels: Any, boxes: Any, width: int, height: int) -> Prompts:
    """Bring what a user gave into shape.

    Args:
        points: (P, 2) for one prompt, (N, P, 2) for several, or None.
        labels: (P,) or (N, P), 1 or 0; None means that every point is foreground.
        boxes: (4,) or (N, 4), or None. With points, N must agree.
        width: of the image, pixels.
        height: of the image, pixels.

    Raises:
        PromptError: no prompt at all, a wrong shape or label, an empty box, or a prompt outside the image.
    """
    if points is None and boxes is None:
        raise PromptError("No prompt was given.", "Give at least one point or one box.")
    if points is None and labels is not None:
        raise PromptError("Labels were given without points.", "Give one point per label.")
    found = None if points is None else _points(points, width, height)
    tags = None if found is None else _labels(labels, found.shape[:2])
    frames = None if boxes is None else _boxes(boxes, width, height)
    if found is not None and frames is not None and len(found) != len(frames):
        raise PromptError(
            f"{len(found)} point prompts and {len(frames)} boxes were given.",
            "With both, prompt i is made of points[i] and boxes[i]: give as many of each.",
        )
    return Prompts(found, tags, frames)


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"The {what} are not an array of numbers: {error}.", "Give nested lists of equal length."
        ) from error
    if not np.isfinite(array).all():
        raise PromptError(f"The {what} hold NaN or infinity.", "Give finite pixel coordinates.")
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
                "Cut the box at the image's border.",
            )
    return array


def simulate_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The centre of one foreground pixel, each equally likely; (2,) float32, image frame. The mask is not empty."""
    foreground = np.flatnonzero(mask)
    y, x = divmod(int(foreground[rng.integers(len(foreground))]), mask.shape[1])
    return np.array([x + 0.5, y + 0.5], dtype=np.float32)


def simulate_box(mask: np.ndarray, rng: np.random.Generator, jitter: float = 0.0) -> np.ndarray:
    """The tight box of a mask, each side moved by up to ``jitter`` of the box's width or height.

    Returns:
        (4,) float32 (x0, y0, x1, y1), image frame, cut at the border, at least half a pixel wide and high.
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
    """One prompt for each (H, W) mask, each from its own generator, so that it does not depend on its neighbours."""
    pairs = zip(masks, rngs, strict=True)  # masks may come from a generator: one at a time is in memory
    if kind == "box":
        return Prompts(boxes=np.stack([simulate_box(m, r, jitter) for m, r in pairs]))
    points = np.stack([simulate_click(m, r) for m, r in pairs])[:, None]
    return Prompts(points=points, labels=np.ones(points.shape[:2], dtype=np.int64))


def deepest_pixel(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """The foreground pixel farthest from background and from the image's border, and how far that is, in pixels.

    Returns:
        (x, y) as (2,) float32, image frame, and the depth; the mask is not empty.
    """
    depth, top, left = _depths(mask)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return np.array([left + x + 0.5, top + y + 0.5], dtype=np.float32), float(depth[y, x])


def simulate_boundary_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A click on the outermost quarter of the foreground's pixels, each of them equally likely; (2,), image frame."""
    depth, top, left = _depths(mask)
    inside = depth > 0
    y, x = rng.choice(np.argwhere(inside & (depth <= np.quantile(depth[inside], 0.25))))
    return np.array([left + x + 0.5, top + y + 0.5], dtype=np.float32)


def simulate_background_click(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A click beside the object: on background in its box enlarged by a quarter to each side; (2,), image frame.

    Where there is none, anywhere on background; None if the mask fills the image.
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
    """Distance to background or border, in the mask's bounding box, with that box's top and left."""
    from scipy.ndimage import distance_transform_edt  # here, since a user's own prompts need no scipy

    extent = mask_extent(mask)
    padded = np.pad(mask[extent.window], 1)
    return distance_transform_edt(padded)[1:-1, 1:-1], extent.top, extent.left
