"""Run lengths of masks (COCO's RLE): check them before C code reads them, and make them from masks and label maps.

A mask (H, W) is stored column by column; ``counts`` alternates background and foreground lengths, background first.
All functions raise ValueError with a short cause. The readers add the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.words import quoted

__all__ = ["Rle", "label_rles", "mask_rle", "polygons_rle", "rle_from_counts", "run_lengths"]

Rle = dict[str, Any]

_FAR = 1_000_000  # pixels; no image reaches farther
_LONG = 200_000  # pixels of outline; the rasteriser takes 120 bytes for each, so longer polygons are clipped first
_TOO_LONG = 4_000_000  # pixels of outline after clipping


def mask_rle(mask: np.ndarray) -> Rle:
    """Return the compressed RLE of a mask (H, W), whose foreground is not 0."""
    return dict(coco_mask.encode(np.asfortranarray(np.asarray(mask) != 0, dtype=np.uint8)))


def rle_from_counts(counts: str | bytes | Sequence[int], height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area from counts, compressed (text) or not (numbers).

    Raises:
        ValueError: the counts are damaged, or do not add up to height * width.
    """
    if isinstance(counts, (str, bytes)):
        text = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
        numbers = _expand(text)
    else:
        text = b""
        numbers = _whole_numbers(counts)
    total = sum(numbers.tolist())
    if total != height * width or numbers.min(initial=0) < 0:
        raise ValueError(f"its RLE covers {total} pixels; expected {height} x {width} = {height * width}")
    if not text:
        text = coco_mask.frPyObjects({"size": [height, width], "counts": numbers.tolist()}, height, width)["counts"]
    return {"size": [height, width], "counts": text}, int(numbers[1::2].sum())


def polygons_rle(polygons: Sequence[Sequence[float]], height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of the union of polygons, clipped to the image.

    Args:
        polygons: each [x0, y0, x1, y1, ...], three points or more, in image pixels; points may be outside the image.
        height: height of the image, pixels.
        width: width of the image, pixels.

    Raises:
        ValueError: a polygon is too short or far too long, has half a point, or a coordinate that is not a number of
            pixels.
    """
    clean = [_clipped(_polygon(polygon), height, width) for polygon in polygons]
    rle = dict(coco_mask.merge(coco_mask.frPyObjects(clean, height, width)))
    return rle, int(coco_mask.area(rle))


def run_lengths(rle: Rle) -> np.ndarray:
    """Return the lengths of the runs of a compressed RLE, down the columns; the first run is background."""
    return _expand(bytes(rle["counts"]))


def label_rles(labels: np.ndarray) -> dict[int, tuple[Rle, int]]:
    """Return compressed RLE and area of every value above 0 in a label map, in one pass over the pixels.

    Args:
        labels: (H, W) integers >= 0.

    Returns:
        value -> (rle, area), in rising order of values.
    """
    height, width = labels.shape
    flat = np.ravel(labels, order="F")
    starts = np.flatnonzero(np.concatenate(([True], flat[1:] != flat[:-1])))
    ends = np.append(starts[1:], flat.size)
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    distinct, firsts = np.unique(values[order], return_index=True)
    rles: dict[int, tuple[Rle, int]] = {}
    for value, runs in zip(distinct.tolist(), np.split(order, firsts[1:]), strict=True):
        if value == 0:
            continue
        edges = np.column_stack((starts[runs], ends[runs])).ravel()
        counts = np.diff(edges, prepend=0, append=flat.size)
        rles[value] = rle_from_counts(counts.tolist(), height, width)
    return rles


def _expand(text: bytes) -> np.ndarray:
    """Decode a compressed RLE: five bits per character, low bits first, from the fourth number on as differences."""
    codes = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - 48
    if codes.size == 0 or codes.min() < 0 or codes.max() > 63:
        raise ValueError("its compressed RLE is empty or holds invalid characters")
    last = (codes & 0x20) == 0
    if not last[-1]:
        raise ValueError("its compressed RLE ends in the middle of a number")
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 7:
        raise ValueError("its compressed RLE holds a number too large for an image")
    index = np.arange(codes.size) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 0x1F) << (5 * index), starts)
    numbers -= np.where(codes[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def _whole_numbers(counts: Sequence[int]) -> np.ndarray:
    if not counts or any(type(count) is not int for count in counts):
        raise ValueError("its RLE counts are empty or not whole numbers")
    if max(map(abs, counts)) > 2**31:
        raise ValueError("its RLE holds a number too large for an image")
    return np.array(counts, dtype=np.int64)


def _polygon(points: Sequence[float]) -> list[float]:
    if not isinstance(points, list) or any(type(value) not in (int, float) for value in points):
        raise ValueError("a polygon is not a list of numbers [x0, y0, x1, y1, ...]")
    if len(points) < 6:
        raise ValueError(f"a polygon has {len(points)} numbers; expected three points (6 numbers) or more")
    if len(points) % 2:
        raise ValueError(f"a polygon has {len(points)} numbers; expected pairs of x and y")
    if not all(-_FAR <= value <= _FAR for value in points):  # also True for NaN
        far = next(value for value in points if not -_FAR <= value <= _FAR)
        raise ValueError(f"a polygon has the coordinate {quoted(far)}, which is far outside any image")
    return [float(value) for value in points]


def _clipped(points: list[float], height: int, width: int) -> list[float]:
    """Clip a polygon to the image and one pixel around it, if its outline is very long; others stay as they are.

    Raises:
        ValueError: the outline is too long even then, so that filling it would take gigabytes.
    """
    if len(points) * (max(points) - min(points)) <= _LONG:  # most polygons, without any arithmetic on corners
        return points
    corners = np.array(points, dtype=np.float64).reshape(-1, 2)
    if _outline(corners) <= _LONG:
        return points
    for axis, (low, high) in enumerate(((-1.0, width + 1.0), (-1.0, height + 1.0))):
        corners = _half_plane(corners, axis, low, 1.0)
        corners = _half_plane(corners, axis, high, -1.0)
    if len(corners) < 3:  # nothing of it is in the image
        return [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    if (length := _outline(corners)) > _TOO_LONG:
        raise ValueError(
            f"a polygon has {len(corners)} corners and an outline of {length:.0f} pixels; expected at most {_TOO_LONG}"
        )
    return [float(value) for value in corners.ravel()]


def _outline(corners: np.ndarray) -> float:
    """Return the steps that the rasteriser takes along the outline, in pixels."""
    return float(np.abs(corners - np.roll(corners, -1, axis=0)).max(axis=1).sum()) if len(corners) else 0.0


def _half_plane(corners: np.ndarray, axis: int, limit: float, sign: float) -> np.ndarray:
    """Clip a closed polygon to the side of a line, by Sutherland and Hodgman: https://doi.org/10.1145/360767.360802.

    Args:
        corners: (N, 2) x and y.
        axis: 0 for a vertical line, 1 for a horizontal one.
        limit: where the line is, pixels.
        sign: 1 keeps what is at the limit or above, -1 what is at the limit or below.
    """
    if not len(corners):
        return corners
    following = np.roll(corners, -1, axis=0)
    inside = sign * (corners[:, axis] - limit) >= 0
    crosses = inside != np.roll(inside, -1)
    step = following[:, axis] - corners[:, axis]
    share = np.divide(limit - corners[:, axis], step, out=np.zeros(len(corners)), where=crosses)
    crossings = corners + share[:, None] * (following - corners)
    crossings[:, axis] = limit
    both = np.stack((corners, crossings), axis=1).reshape(-1, 2)
    kept: np.ndarray = both[np.stack((inside, crosses), axis=1).ravel()]
    return kept
