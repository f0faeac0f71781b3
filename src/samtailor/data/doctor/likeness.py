"""Are two pictures the same picture? From grey thumbnails of 64 x 64, whatever size, format or quality they had.

Two questions, both answered by correlations, so brightness and contrast do not matter:

* *overall*: the correlation of the thumbnails at 32 x 32;
* *detail*: the mean correlation of their 8 x 8 blocks of 8 x 8 pixels, where there is any detail. Pictures that share
  only a frame (a page's margin, a round field of view) agree overall and not here.

Comparing all pairs overall would be slow, so each picture also has a fingerprint: its 64 lowest cosine frequencies, as
a perceptual hash has, but kept as numbers, and the length of what they leave out. By the Cauchy-Schwarz inequality the
product of two fingerprints is never below the overall correlation, so looking at the pairs above the threshold misses
none. docs/guides/data.md ("The doctor") says how the thresholds were measured.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["DETAIL", "FINGERPRINT", "OVERALL", "SIDE", "detail", "fingerprint", "has_detail", "overall", "thumbnail"]

SIDE = 64
OVERALL = 0.95
DETAIL = 0.85
FINGERPRINT = 65  # numbers

_HALF = SIDE // 2
_BLOCK = 8
_LOW = 8  # frequencies per axis
_FLAT = 2.0  # grey levels of standard deviation; below it JPEG noise and rounding outweigh the picture
_BLOCKS_NEEDED = 4

_steps = np.arange(_HALF)
_COSINES = np.sqrt(2 / _HALF) * np.cos(np.pi * _steps[:_LOW, None] * (2 * _steps + 1) / (2 * _HALF))
_COSINES[0] /= np.sqrt(2)  # orthonormal rows: lengths are kept


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """A grey thumbnail (64, 64) uint8 of a picture (H, W, 3) uint8; its sides are stretched to the square."""
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.uint8)


def has_detail(thumbs: np.ndarray) -> np.ndarray:
    """Which thumbnails (N, 64, 64) hold enough to be told apart, (N,) bool; nearly flat ones all look alike."""
    lively = (_blocks(thumbs).std(axis=2) > _FLAT).sum(axis=1) >= _BLOCKS_NEEDED
    return np.asarray(lively & (thumbs.reshape(len(thumbs), -1).std(axis=1) > _FLAT))


def fingerprint(thumbs: np.ndarray) -> np.ndarray:
    """Fingerprints (N, 65) float32 of thumbnails (N, 64, 64); a product of two is at least ``overall`` of the two."""
    whole = _unit(thumbs).reshape(-1, _HALF, _HALF)
    low = (_COSINES @ whole @ _COSINES.T).reshape(-1, _LOW * _LOW)
    rest = np.sqrt(np.maximum(0, 1 - (low**2).sum(axis=1)))
    return np.column_stack((low, rest)).astype(np.float32)


def overall(thumb: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlations (N,) of one thumbnail (64, 64) with others (N, 64, 64), at 32 x 32."""
    return np.asarray(_unit(others) @ _unit(thumb[None])[0])


def detail(thumb: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean correlations (N,) of the blocks of one thumbnail (64, 64) with those of others (N, 64, 64).

    Blocks flat in both do not count; where all are flat, the answer is 0.
    """
    one, many = _blocks(thumb[None]), _blocks(others)
    one, many = one - one.mean(axis=2, keepdims=True), many - many.mean(axis=2, keepdims=True)
    spread_one, spread_many = one.std(axis=2), many.std(axis=2)
    counts = np.maximum(spread_one, spread_many) > _FLAT
    # the floor keeps a block that is flat in one picture only from dividing by nothing: it counts as unlike
    alike = (one * many).mean(axis=2) / np.maximum(spread_one * spread_many, 0.05)
    return np.asarray((alike * counts).sum(axis=1) / np.maximum(counts.sum(axis=1), 1))


def _unit(thumbs: np.ndarray) -> np.ndarray:
    """Thumbnails at 32 x 32 as rows (N, 1024) of mean 0 and length 1; flat ones have length 0."""
    small = thumbs.reshape(len(thumbs), _HALF, 2, _HALF, 2).mean(axis=(2, 4)).reshape(len(thumbs), -1)
    small = small - small.mean(axis=1, keepdims=True)
    length = np.linalg.norm(small, axis=1, keepdims=True)
    return np.asarray(small / np.where(length > 1e-6, length, np.inf))


def _blocks(thumbs: np.ndarray) -> np.ndarray:
    """(N, 64, 64) to (N, 64 blocks, 64 pixels) float."""
    across = SIDE // _BLOCK
    cut = thumbs.reshape(len(thumbs), across, _BLOCK, across, _BLOCK).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(thumbs), across * across, _BLOCK * _BLOCK).astype(np.float64)
