"""Seeds: one point inside each instance that the head proposes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["SeedRules", "Seeds", "find_seeds"]


@dataclass(frozen=True)
class SeedRules:
    """Rules for seeds; ``samtailor.automatic.tuning`` chooses them on the val split.

    Attributes:
        foreground: least probability of foreground at a seed.
        depth: least depth at a seed; outlines and valleys between instances are lower.
        distance: least distance of two seeds of a class, low-res pixels.
        smoothing: standard deviation of the blur of the depth, low-res pixels; it joins double peaks.
    """

    foreground: float = 0.5
    depth: float = 0.3
    distance: float = 3.0
    smoothing: float = 1.0


@dataclass(frozen=True)
class Seeds:
    """S seeds.

    Attributes:
        points: (S, 2) float32, (x, y), low-res frame, pixel centres at +0.5.
        classes: (S,) int, positions in the list of classes.
        depths: (S,) float32, the smoothed depth at each seed.
        foregrounds: (S,) float32, the probability of foreground at each seed.
    """

    points: np.ndarray
    classes: np.ndarray
    depths: np.ndarray
    foregrounds: np.ndarray

    @property
    def strengths(self) -> np.ndarray:
        """Depth times probability of foreground, (S,)."""
        strengths: np.ndarray = self.depths * self.foregrounds
        return strengths

    def __len__(self) -> int:
        return len(self.points)


def find_seeds(foreground: np.ndarray, depth: np.ndarray, valid: np.ndarray, rules: SeedRules) -> Seeds:
    """Find the peaks of the depth within the foreground, class by class, strongest first.

    Args:
        foreground: (C, l, l) probabilities.
        depth: (C, l, l).
        valid: (l, l) bool, the pixels that show the image.
        rules: thresholds.
    """
    parts = [_peaks(foreground[k], depth[k], valid, rules) for k in range(len(foreground))]
    classes = np.concatenate([np.full(len(points), k) for k, (points, _, _) in enumerate(parts)])
    points, depths, shares = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Seeds(points, classes.astype(np.int64), depths, shares)


def _peaks(
    foreground: np.ndarray, depth: np.ndarray, valid: np.ndarray, rules: SeedRules
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    smooth = ndimage.gaussian_filter(np.clip(depth, 0, 1), rules.smoothing) if rules.smoothing else depth
    radius = max(1, int(rules.distance))
    top = ndimage.maximum_filter(smooth, size=2 * radius + 1, mode="constant")
    peaks = (smooth >= top) & (smooth >= rules.depth) & (foreground >= rules.foreground) & valid
    plateaus, count = ndimage.label(peaks, structure=np.ones((3, 3)))  # equal neighbours are one peak
    if not count:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32)
    first = ndimage.maximum_position(smooth, plateaus, range(1, count + 1))
    rows, columns = np.array(first, dtype=int).T
    depths, shares = smooth[rows, columns], foreground[rows, columns]
    order = np.argsort(-depths * shares, kind="stable")
    kept: list[int] = []
    for k in order.tolist():  # the filter's window is square; the distance is round
        if all(np.hypot(rows[k] - rows[j], columns[k] - columns[j]) >= rules.distance for j in kept):
            kept.append(k)
    points = np.stack([columns[kept], rows[kept]], axis=1).astype(np.float32) + 0.5
    return points, depths[kept].astype(np.float32), shares[kept].astype(np.float32)
