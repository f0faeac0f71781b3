"""Scale deep pictures, of more than 8 bits per channel, to 8 bits."""

from __future__ import annotations

import numpy as np

__all__ = ["stretch"]

_SHARE = 0.005  # of the values, clipped at each end: hot pixels and dead ones must not set the scale
_SAMPLE = 4_000_000  # values that decide the scale of other types than 8 and 16 bits
_STRIP = 1 << 24  # values that are scaled at once


def stretch(values: np.ndarray, nodata: float | None = None) -> np.ndarray:
    """Scale numbers linearly to 0..255, one scale for all channels.

    The lowest 0.5 % of the values become 0 and the highest 0.5 % become 255. In a picture of fewer than 200 values, and
    if those limits are equal, the lowest and the highest value are the limits. A constant picture becomes 0.

    Args:
        values: (H, W) or (H, W, C) numbers of any type. NaN and infinite values become 0 and do not count.
        nodata: a value that stands for missing pixels. It becomes 0 and does not count.

    Returns:
        uint8 of the same shape.
    """
    low, high = _limits(values, nodata)
    if values.dtype in (np.uint8, np.uint16):
        table = _scaled(np.arange(np.iinfo(values.dtype).max + 1), low, high)
        if nodata is not None and 0 <= nodata < len(table):
            table[int(nodata)] = 0
        return np.asarray(table[values])
    result = np.empty(values.size, dtype=np.uint8)
    flat = values.reshape(-1)
    for start in range(0, flat.size, _STRIP):
        part = flat[start : start + _STRIP]
        good = _counts(part, nodata)
        result[start : start + _STRIP] = np.where(good, _scaled(np.where(good, part, low), low, high), 0)
    return result.reshape(values.shape)


def _counts(values: np.ndarray, nodata: float | None) -> np.ndarray:
    """Return True for each value that is a number and not missing."""
    good = np.asarray(np.isfinite(values))
    return good if nodata is None else np.asarray(good & (values != nodata))


def _limits(values: np.ndarray, nodata: float | None) -> tuple[float, float]:
    """Return the values that become 0 and 255."""
    if values.dtype in (np.uint8, np.uint16):
        counts = np.bincount(values.reshape(-1), minlength=2)
        if nodata is not None and 0 <= nodata < len(counts):
            counts[int(nodata)] = 0
        total = int(counts.sum())
        if not total:
            return 0.0, 0.0
        used, ends = np.flatnonzero(counts), np.cumsum(counts)
        low_rank, high_rank = _ranks(total)
        low, high = (int(np.searchsorted(ends, rank, side="right")) for rank in (low_rank, high_rank))
        return (float(low), float(high)) if low < high else (float(used[0]), float(used[-1]))
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    sample = sample[_counts(sample, nodata)]
    if sample.size == 0:
        return 0.0, 0.0
    ranks = _ranks(sample.size)
    lowest, highest = (float(value) for value in np.partition(sample, ranks)[list(ranks)])
    return (lowest, highest) if lowest < highest else (float(sample.min()), float(sample.max()))


def _ranks(count: int) -> tuple[int, int]:
    """Return the positions of the limits among sorted values."""
    clipped = int(_SHARE * count)
    return clipped, count - 1 - clipped


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
