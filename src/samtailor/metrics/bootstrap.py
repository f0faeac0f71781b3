"""95 % confidence intervals by resampling images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["UNKNOWN", "Estimate", "Resampler"]

LEVEL = 0.95
_BLOCK = 1 << 23  # numbers held in memory at once while sorting


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % percentile-bootstrap interval.

    Attributes:
        value: the figure; NaN if it was not measured.
        low: lower end of the interval; NaN without an interval.
        high: upper end.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, replicates: np.ndarray) -> Estimate:
        """Build from (1 + R,) values: the figure itself, then its values on the resamples."""
        resampled = replicates[1:][np.isfinite(replicates[1:])]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(resampled, [tail, 1 - tail]) if len(resampled) else (np.nan, np.nan)
        return cls(float(replicates[0]), float(low), float(high))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {"value": self.value, "interval": [self.low, self.high]}


UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))
"""A figure that was not measured."""


class Resampler:
    """Draws whole images with replacement, because instances of one image are not independent.

    Every statistic returns its replicates, (1 + R,) float64: first the value on the data itself, then on R resamples.
    One image alone has no resamples, so its figures have no interval.
    Subtract the replicates of two models on the same instances to get a paired interval of the difference.

    Args:
        images: (n,) the image that each value belongs to.
        repeats: number of resamples, R.
        seed: random seed of the resampling.
    """

    def __init__(self, images: Sequence[str], repeats: int = 1000, seed: int = 0) -> None:
        names, self._image = np.unique(np.asarray(images, dtype=object).astype(str), return_inverse=True)
        count = len(names)
        repeats = repeats if count > 1 else 0  # every resample of one image is that image: no interval
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=repeats)
        self._weights = np.concatenate([np.ones((1, count)), drawn]).astype(np.float64)

    def mean(self, values: Sequence[float] | np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Compute the mean over the values, or over those with ``chosen`` (n,) bool; NaN if a resample has none."""
        counted = np.ones(len(self._image)) if chosen is None else np.asarray(chosen, dtype=np.float64)
        sums = self._per_image(np.where(counted > 0, np.asarray(values, dtype=np.float64), 0.0))
        counts = self._weights @ self._per_image(counted)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self._weights @ sums) / counts)

    def mean_over_classes(self, values: Sequence[float] | np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Compute the mean over classes of each class's mean; a resample ignores classes that it does not contain."""
        classes = np.asarray(labels, dtype=object)
        means = np.stack([self.mean(values, classes == label) for label in sorted(set(labels))])
        present = np.isfinite(means)
        return np.asarray(np.where(present, means, 0.0).sum(0) / present.sum(0))

    def quantile(self, values: Sequence[float] | np.ndarray, q: float) -> np.ndarray:
        """Compute the smallest value that is at least as large as a share ``q`` of all values (no interpolation)."""
        array = np.asarray(values, dtype=np.float64)
        order = np.argsort(array, kind="stable")
        quantiles = np.empty(len(self._weights))
        step = max(1, _BLOCK // max(len(array), 1))
        for start in range(0, len(self._weights), step):
            cumulative = self._weights[start : start + step][:, self._image[order]].cumsum(axis=1)
            position = (cumulative >= q * cumulative[:, -1:] - 1e-9).argmax(axis=1)
            quantiles[start : start + step] = array[order][position]
        return quantiles

    def _per_image(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self._image, weights=values, minlength=self._weights.shape[1])
