"""From scores to one figure: reductions with a name."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["mean_over_classes", "mean_over_instances", "per_class_means"]


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
