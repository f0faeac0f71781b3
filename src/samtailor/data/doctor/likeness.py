"""Decide whether two pictures are the same, whatever their size, format or quality, from grey 64 x 64 thumbnails.

Two correlations decide, so brightness and contrast do not matter:

* *overall*: the correlation of the thumbnails at 32 x 32;
* *detail*: the mean correlation of their 8 x 8 blocks of 8 x 8 pixels, over the blocks with detail. Pictures that share
  only a frame (a page's margin, a round field of view) have a high overall correlation but a low one in detail.

Comparing all pairs overall would be slow. So each picture also has a fingerprint: its 64 lowest cosine frequencies, as
in a perceptual hash but kept as numbers, and the length of the rest. By the Cauchy-Schwarz inequality the product of
two fingerprints is never below the overall correlation. So it is enough to compare the pairs whose product reaches the
threshold. docs/guides/data.md ("The doctor") says how the thresholds were measured.
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
_FLAT = 2.0  # grey levels of standard deviation; below, JPEG noise and rounding outweigh the picture
_BLOCKS_NEEDED = 4

_steps = np.arange(_HALF)
_COSINES = np.sqrt(2 / _HALF) * np.cos(np.pi * _steps[:_LOW, None] * (2 * _steps + 1) / (2 * _HALF))
_COSINES[0] /= np.sqrt(2)  # orthonormal rows keep lengths


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return a grey thumbnail (64, 64) uint8 of a picture (H, W, 3) uint8, stretched to a square."""
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.uint8)


def has_detail(thumbs: np.ndarray) -> np.ndarray:
    """Tell which thumbnails (N, 64, 64) have enough detail to compare, (N,) bool. Nearly flat ones all look alike."""
    enough_blocks = (_blocks(thumbs).std(axis=2) > _FLAT).sum(axis=1) >= _BLOCKS_NEEDED
    return np.asarray(enough_blocks & (thumbs.reshape(len(thumbs), -1).std(axis=1) > _FLAT))


def fingerprint(thumbs: np.ndarray) -> np.ndarray:
    """Return fingerprints (N, 65) float32 of thumbnails (N, 64, 64); a product of two is at least their ``overall``."""
    whole = _unit(thumbs).reshape(-1, _HALF, _HALF)
    low = (_COSINES @ whole @ _COSINES.T).reshape(-1, _LOW * _LOW)
    rest = np.sqrt(np.maximum(0, 1 - (low**2).sum(axis=1)))
    return np.column_stack((low, rest)).astype(np.float32)


def overall(thumb: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the correlations (N,) of a thumbnail (64, 64) with others (N, 64, 64), at 32 x 32."""
    return np.asarray(_unit(others) @ _unit(thumb[None])[0])


def detail(thumb: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the mean correlations (N,) of the blocks of a thumbnail (64, 64) with those of others (N, 64, 64).

    Blocks that are flat in both pictures do not count. If all are flat, the result is 0.
    """
    first, second = _blocks(thumb[None]), _blocks(others)
    first, second = first - first.mean(axis=2, keepdims=True), second - second.mean(axis=2, keepdims=True)
    first_spread, second_spread = first.std(axis=2), second.std(axis=2)
    counts = np.maximum(first_spread, second_spread) > _FLAT
    # If a block is flat in one picture only, the floor avoids a division by zero, and the block counts as unlike.
    alike = (first * second).mean(axis=2) / np.maximum(first_spread * second_spread, 0.05)
    return np.asarray((alike * counts).sum(axis=1) / np.maximum(counts.sum(axis=1), 1))


def _unit(thumbs: np.ndarray) -> np.ndarray:
    """Return thumbnails at 32 x 32 as rows (N, 1024) of mean 0 and length 1; flat ones have length 0."""
    small = thumbs.reshape(len(thumbs), _HALF, 2, _HALF, 2).mean(axis=(2, 4)).reshape(len(thumbs), -1)
    small = small - small.mean(axis=1, keepdims=True)
    length = np.linalg.norm(small, axis=1, keepdims=True)
    return np.asarray(small / np.where(length > 1e-6, length, np.inf))


def _blocks(thumbs: np.ndarray) -> np.ndarray:
    """Cut (N, 64, 64) into (N, 64 blocks, 64 pixels) float."""
    across = SIDE // _BLOCK
    cut = thumbs.reshape(len(thumbs), across, _BLOCK, across, _BLOCK).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(thumbs), across * across, _BLOCK * _BLOCK).astype(np.float64)
