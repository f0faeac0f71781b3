"""Masks cut to a window: scores of a small object need not look at the whole image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samtailor.metrics.extent import mask_extent
from samtailor.metrics.overlap import Counts

__all__ = ["Patch", "count_patches", "spans_of_overlap"]


@dataclass(frozen=True)
class Patch:
    """A window of a mask that holds all its foreground.

    Attributes:
        pixels: (h, w) bool; outside the window the mask is background.
        corner: (row, column) of the window in the image.
        size: (H, W) of the image.
    """

    pixels: np.ndarray
    corner: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, mask: np.ndarray) -> Patch:
        """Cut a (H, W) bool mask to its bounding box; an empty mask has a window without pixels."""
        size = (mask.shape[0], mask.shape[1])
        if not mask.any():
            return cls(np.zeros((0, 0), dtype=bool), (0, 0), size)
        extent = mask_extent(mask)
        return cls(mask[extent.window], (extent.top, extent.left), size)

    def whole(self) -> np.ndarray:
        """Return the mask of the whole image, (H, W) bool."""
        mask = np.zeros(self.size, dtype=bool)
        (top, left), (height, width) = self.corner, self.pixels.shape
        mask[top : top + height, left : left + width] = self.pixels
        return mask

    def __or__(self, other: Patch) -> Patch:
        """Unite two masks of the same image."""
        if not self.pixels.size or not other.pixels.size:
            return self if self.pixels.size else other
        parts = (self, other)
        corner = [min(p.corner[axis] for p in parts) for axis in (0, 1)]
        ends = [max(p.corner[axis] + p.pixels.shape[axis] for p in parts) for axis in (0, 1)]
        united = np.zeros((ends[0] - corner[0], ends[1] - corner[1]), dtype=bool)
        for part in parts:
            top, left = (part.corner[axis] - corner[axis] for axis in (0, 1))
            united[top : top + part.pixels.shape[0], left : left + part.pixels.shape[1]] |= part.pixels
        return Patch(united, (corner[0], corner[1]), self.size)


def spans_of_overlap(
    corners: tuple[tuple[int, int], tuple[int, int]], shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Find what two windows of an image share; the spans are empty if they share nothing.

    Args:
        corners: (row, column) of each window.
        shapes: (h, w) of each window.

    Returns:
        Index of the shared part in the first window, and in the second.
    """
    spans = []
    for axis in (0, 1):
        a, b = corners[0][axis], corners[1][axis]
        low = max(a, b)
        high = max(low, min(a + shapes[0][axis], b + shapes[1][axis]))
        spans.append((slice(low - a, high - a), slice(low - b, high - b)))
    return (spans[0][0], spans[1][0]), (spans[0][1], spans[1][1])


def count_patches(predicted: Patch, truth: Patch) -> Counts:
    """Count the pixels of two masks of one image, as ``count_pixels`` does for whole masks."""
    corners, shapes = (predicted.corner, truth.corner), (predicted.pixels.shape, truth.pixels.shape)
    ours, theirs = spans_of_overlap(corners, shapes)
    tp = int(np.count_nonzero(predicted.pixels[ours] & truth.pixels[theirs]))
    return Counts(tp, int(np.count_nonzero(predicted.pixels)) - tp, int(np.count_nonzero(truth.pixels)) - tp)
