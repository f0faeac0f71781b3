"""Reduce many scores to one number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["mean_over_classes", "mean_over_instances", "per_class_means"]


def mean_over_instances(scores: Iterable[float]) -> float:
    """Compute the mean; every instance has the same weight. NaN without instances."""
    values = list(scores)
    return float(np.mean(values)) if values else float("nan")


def per_class_means(scores: Iterable[float], labels: Iterable[str]) -> dict[str, tuple[float, int]]:
    """Return class -> (mean over its instances, number of instances), in alphabetical order."""
    groups: dict[str, list[float]] = {}
    for score, label in zip(scores, labels, strict=True):
        groups.setdefault(label, []).append(score)
    return {label: (float(np.mean(groups[label])), len(groups[label])) for label in sorted(groups)}


def mean_over_classes(scores: Iterable[float], labels: Iterable[str]) -> float:
    """Compute the mean over classes of each class's mean over instances; NaN without instances."""
    return mean_over_instances(mean for mean, _ in per_class_means(scores, labels).values())
