"""Compare the instances that were found in an image with the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samtailor.metrics import Patch, count_patches, iou

__all__ = ["THRESHOLDS", "ImageMatch", "match_image", "panoptic_quality", "segmentation_accuracy"]

THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
"""IoU thresholds of COCO's AP and of the mean segmentation accuracy: 0.50, 0.55, ... 0.95."""


@dataclass(frozen=True)
class ImageMatch:
    """One class of one image.

    Attributes:
        ious: (n, m) IoU of each found with each true instance.
    """

    ious: np.ndarray

    @property
    def found(self) -> int:
        return int(self.ious.shape[0])

    @property
    def true(self) -> int:
        return int(self.ious.shape[1])

    def pairs(self, threshold: float) -> list[tuple[int, int]]:
        """Match found and true instances one to one, as many as possible with at least this IoU, then the best."""
        from scipy.optimize import linear_sum_assignment

        if not self.ious.size:
            return []
        usable = self.ious >= threshold
        rows, columns = linear_sum_assignment(-(usable + self.ious / (1 + min(self.ious.shape)) * usable))
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if usable[r, c]]

    def counts(self, threshold: float) -> tuple[int, int, int]:
        """Return the numbers of matches, of found instances without a match, and of true ones without a match."""
        matches = len(self.pairs(threshold))
        return matches, self.found - matches, self.true - matches


def match_image(found: Sequence[Patch], true: Sequence[Patch]) -> ImageMatch:
    """Compare n found with m true masks of one class of one image."""
    ious = np.array([[iou(count_patches(f, t)) for t in true] for f in found], dtype=np.float64)
    return ImageMatch(ious.reshape(len(found), len(true)))


def segmentation_accuracy(match: ImageMatch) -> float | None:
    """Compute the mean segmentation accuracy: matches / (matches + false + missed), averaged over ``THRESHOLDS``.

    This is the score of the Data Science Bowl 2018. None if nothing is there and nothing was found.
    """
    if not match.found and not match.true:
        return None
    shares = []
    for threshold in THRESHOLDS:
        matches, false, missed = match.counts(threshold)
        shares.append(matches / (matches + false + missed))
    return float(np.mean(shares))


def panoptic_quality(matches: Sequence[ImageMatch]) -> float:
    """Compute the panoptic quality (Kirillov et al. 2019) of one class over images: IoU above 0.5 is a match."""
    total = hits = false = missed = 0.0
    for match in matches:
        pairs = [(r, c) for r, c in match.pairs(0.5) if match.ious[r, c] > 0.5]
        total += sum(match.ious[r, c] for r, c in pairs)
        hits += len(pairs)
        false += match.found - len(pairs)
        missed += match.true - len(pairs)
    return total / (hits + (false + missed) / 2) if hits + false + missed else float("nan")
