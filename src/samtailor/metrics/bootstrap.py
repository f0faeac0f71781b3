"""How sure a figure is: 95 % intervals from resampling images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Estimate", "Resampler"]

LEVEL = 0.95
_BLOCK = 1 << 23  # numbers held at once while sorting


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % percentile-bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, replicates: np.ndarray) -> Estimate:
        """From (1 + R,) values: the first is the figure itself, the others those of the resamples."""
        rest = replicates[1:][np.isfinite(replicates[1:])]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(rest, [tail, 1 - tail]) if len(rest) else (np.nan, np.nan)
        return cls(float(replicates[0]), float(low), float(high))

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value, "interval": [self.low, self.high]}


class Resampler:
    """Draws whole images with replacement: instances of one image are alike, so they are no independent evidence.

    Every statistic returns its replicates, (1 + R,) float64, the first over the data as they are. Those of two methods
    on the same instances may be subtracted: the interval of the difference is then paired.

    Args:
        images: (n,) the image that each value belongs to.
        repeats: R.
        seed: of the resampling.
    """

    def __init__(self, images: Sequence[str], repeats: int = 1000, seed: int = 0) -> None:
        names, self._image = np.unique(np.asarray(images, dtype=object).astype(str), return_inverse=True)
        count = len(names)
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=repeats)
        self._weights = np.concatenate([np.ones((1, count)), drawn]).astype(np.float64)

    def mean(self, values: Sequence[float] | np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Mean over the values, or over those that ``chosen`` (n,) bool names; NaN where a resample holds none."""
        kept = np.ones(len(self._image)) if chosen is None else np.asarray(chosen, dtype=np.float64)
        sums = self._per_image(np.where(kept > 0, np.asarray(values, dtype=np.float64), 0.0))
        counts = self._weights @ self._per_image(kept)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self._weights @ sums) / counts)

    def mean_over_classes(self, values: Sequence[float] | np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Mean over classes of the mean over each class's values; classes that a resample lacks do not count."""
        tags = np.asarray(labels, dtype=object)
        means = np.stack([self.mean(values, tags == label) for label in sorted(set(labels))])
        present = np.isfinite(means)
        return np.asarray(np.where(present, means, 0.0).sum(0) / present.sum(0))

    def quantile(self, values: Sequence[float] | np.ndarray, q: float) -> np.ndarray:
        """The smallest value that at least a share ``q`` of all values does not exceed (no interpolation)."""
        array = np.asarray(values, dtype=np.float64)
        order = np.argsort(array, kind="stable")
        found = np.empty(len(self._weights))
        step = max(1, _BLOCK // max(len(array), 1))
        for start in range(0, len(self._weights), step):
            heaped = self._weights[start : start + step][:, self._image[order]].cumsum(axis=1)
            place = (heaped >= q * heaped[:, -1:] - 1e-9).argmax(axis=1)
            found[start : start + step] = array[order][place]
        return found

    def _per_image(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self._image, weights=values, minlength=self._weights.shape[1])
