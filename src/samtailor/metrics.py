"""Scores of masks: counts first, then a score, then a reduction with a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

__all__ = ["Counts", "count_pixels", "iou", "mean_over_classes", "mean_over_instances", "per_class_means", "soft_iou"]


@dataclass(frozen=True)
class Counts:
    """Pixels of one predicted mask against its truth."""

    tp: int
    fp: int
    fn: int


def count_pixels(predicted: np.ndarray, truth: np.ndarray) -> Counts:
    """Counts over two (H, W) bool masks."""
    tp = int(np.count_nonzero(predicted & truth))
    return Counts(tp, int(np.count_nonzero(predicted)) - tp, int(np.count_nonzero(truth)) - tp)


def iou(counts: Counts) -> float:
    """tp / (tp + fp + fn); two empty masks agree: 1."""
    union = counts.tp + counts.fp + counts.fn
    return counts.tp / union if union else 1.0


def soft_iou(predicted: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """IoU of (N, h, w) masks, bool, over ``valid`` (h, w) cells: (N,) in 0..1; two empty masks give 1."""
    both = (predicted & truth & valid).sum((-2, -1)).float()
    either = ((predicted | truth) & valid).sum((-2, -1)).float()
    return both.where(either > 0, both.new_ones(())) / either.clamp(min=1)


def mean_over_instances(scores: Iterable[float]) -> float:
    """Every instance counts the same; NaN when there is none."""
    values = list(scores)
    return float(np.mean(values)) if values else float("nan")


def per_class_means(scores: Iterable[float], labels: Iterable[str]) -> dict[str, tuple[float, int]]:
    """Class -> (mean over its instances, how many); classes in alphabetical order."""
    groups: dict[str, list[float]] = {}
    for score, label in zip(scores, labels, strict=True):
        groups.setdefault(label, []).append(score)
    return {label: (float(np.mean(groups[label])), len(groups[label])) for label in sorted(groups)}


def mean_over_classes(scores: Iterable[float], labels: Iterable[str]) -> float:
    """mIoU as used here: the mean over classes of the mean over each class's instances; NaN when there is none."""
    return mean_over_instances(mean for mean, _ in per_class_means(scores, labels).values())
