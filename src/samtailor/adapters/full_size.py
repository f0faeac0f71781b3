"""Masks at the size of the image from low-res logits, made only where there is foreground, and in strips.

The masks are those of ``frame.logits_to_image(logits) > 0``, bit for bit. A whole float mask of a photo of 12,000 x
9,000 pixels takes 432 MB, a strip of it a few MB. A pixel of the mask is a mean of low-res logits around it with
weights of 0 or more, so it is background if none of them is above 0: most of the image is never computed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.frames import Frame
from samtailor.metrics.patch import Patch

__all__ = ["mask_of", "patch_of"]

STRIP = 1 << 17
"""Pixels of the mask that are made at once."""
MARGIN = 4
"""Low-res pixels kept around the foreground: those near a cut are enlarged to other numbers than in the whole."""
SMALL = 128
"""torch resizes by another kernel, with other last bits, if the output's height and width together are at most this."""


class _Axis(NamedTuple):
    """How bilinear resizing makes each of (n,) output pixels of an axis: ``first`` a + ``second`` b of two inputs.

    Attributes:
        lower: position of a.
        upper: position of b.
        first: weight of a, float32.
        second: weight of b, float32.
    """

    lower: np.ndarray
    upper: np.ndarray
    first: np.ndarray
    second: np.ndarray


def mask_of(logits: Tensor, frame: Frame, out: np.ndarray | None = None) -> np.ndarray:
    """Make one mask at the size of the image.

    Args:
        logits: (l, l) float32 on the CPU, low-res frame.
        frame: of the image.
        out: (H, W) bool of zeros to write into; None makes a new array.

    Returns:
        (H, W) bool.
    """
    mask = np.zeros((frame.height, frame.width), dtype=bool) if out is None else out
    if _is_small(frame):
        mask[:] = _at_once(logits, frame)
        return mask
    window = _Window.of(logits, frame)
    if window is not None:
        window.draw(mask[window.rows, window.columns])
    return mask


def patch_of(logits: Tensor, frame: Frame) -> Patch:
    """Make one mask at the size of the image, cut to a window that holds its foreground; arguments as ``mask_of``."""
    if _is_small(frame):
        return Patch.of(_at_once(logits, frame))
    size, window = (frame.height, frame.width), _Window.of(logits, frame)
    if window is None:
        return Patch(np.zeros((0, 0), dtype=bool), (0, 0), size)
    rows, columns = window.rows, window.columns
    pixels = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    window.draw(pixels)
    return Patch(pixels, (rows.start, columns.start), size)


def _is_small(frame: Frame) -> bool:
    return frame.height + frame.width <= SMALL


def _at_once(logits: Tensor, frame: Frame) -> np.ndarray:
    return np.asarray((frame.logits_to_image(logits[None, None]) > 0)[0, 0])


class _Window(NamedTuple):
    """The part of an image in which a mask can have foreground.

    Attributes:
        rows: of the image.
        columns: of the image.
        square: the part of the input square from which it is made, (h, w) float32.
        corner: (row, column) of that part.
        frame: of the image.
    """

    rows: slice
    columns: slice
    square: Tensor
    corner: tuple[int, int]
    frame: Frame

    @classmethod
    def of(cls, logits: Tensor, frame: Frame) -> _Window | None:
        """Find the window; None if no logit is above 0."""
        positive = (logits > 0).numpy()
        spans = [_span(np.asarray(positive.any(axis=axis))) for axis in (1, 0)]
        if spans[0].stop == 0:
            return None
        square, corner, used = _enlarge(logits, frame, spans)
        sizes = (frame.resized[1], frame.height), (frame.resized[0], frame.width)
        rows, columns = (_reached(_axis(*size), span) for size, span in zip(sizes, used, strict=True))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return None  # all foreground is in the padding
        return cls(rows, columns, square, corner, frame)

    def draw(self, pixels: np.ndarray) -> None:
        """Write the mask into ``pixels``, (rows, columns) bool, in strips."""
        (top, left), width = self.corner, self.frame.width
        down = _axis(self.frame.resized[1], self.frame.height)
        step = max(1, STRIP // width)
        for start in range(self.rows.start, self.rows.stop, step):
            stop = min(start + step, self.rows.stop)
            first, last = int(down.lower[start]), int(down.upper[stop - 1])
            lines = self._across(self.square[first - top : last + 1 - top], left)
            part = slice(start - self.rows.start, stop - self.rows.start)
            if self.frame.resized[1] == self.frame.height:
                np.greater(lines[: stop - start], 0, out=pixels[part])
                continue
            lower, upper = (side[start:stop] - first for side in (down.lower, down.upper))
            weights = down.first[start:stop, None], down.second[start:stop, None]
            pixels[part] = _above(lines, lower, upper, weights)

    def _across(self, lines: Tensor, left: int) -> np.ndarray:
        """Resize rows of the input square (n, w) to the window's columns: torch's own numbers, because it resizes."""
        frame = self.frame
        width = frame.resized[0]
        whole = lines.new_zeros(max(len(lines), SMALL + 1 - frame.width), width)  # more rows, for the same kernel
        whole[: len(lines), left : left + lines.shape[1]] = lines
        if width != frame.width:
            size = (len(whole), frame.width)
            whole = F.interpolate(whole[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        return whole[: len(lines), self.columns].numpy()


def _above(lines: np.ndarray, lower: np.ndarray, upper: np.ndarray, weights: tuple[np.ndarray, ...]) -> np.ndarray:
    """Say where the mean of two rows is above 0, as torch's kernel rounds it.

    The kernel fuses one of the two products into the sum. That cannot change the sign unless the products, rounded,
    cancel exactly; then the fused product is compared in float64, which holds it without rounding.
    """
    a, b = lines[lower], lines[upper]
    second = b * weights[1]
    total = a * weights[0] + second
    above = total > 0
    ties = total == 0
    if ties.any():
        first = np.broadcast_to(weights[0], a.shape)[ties].astype(np.float64)
        above[ties] = a[ties] * first + second[ties] > 0
    return np.asarray(above)


def _enlarge(logits: Tensor, frame: Frame, spans: list[slice]) -> tuple[Tensor, tuple[int, int], list[slice]]:
    """Resize to the input square, where the logits above 0 reach; the padding is cut off.

    Returns:
        the part of the square (h, w), its (row, column) in the square, and the rows and columns that can be above 0.
    """
    side, size, ratio = len(logits), frame.input_size, frame.input_size // len(logits)
    exact = ratio * side == size and ratio & (ratio - 1) == 0  # then all positions are exact in float32
    cuts = [slice(max(0, s.start - MARGIN), min(side, s.stop + MARGIN)) if exact else slice(0, side) for s in spans]
    if 2 * size > SMALL and sum(cut.stop - cut.start for cut in cuts) * ratio <= SMALL:
        cuts = [slice(0, side), slice(0, side)]  # for the same kernel
    part = logits[cuts[0], cuts[1]]
    shape = tuple(round((cut.stop - cut.start) * size / side) for cut in cuts)
    square = F.interpolate(part[None, None], shape, mode="bilinear", align_corners=False)[0, 0]
    corner = (cuts[0].start * ratio if exact else 0, cuts[1].start * ratio if exact else 0)
    limits = frame.resized[1], frame.resized[0]
    square = square[: max(0, limits[0] - corner[0]), : max(0, limits[1] - corner[1])]
    # Enlarged, a low-res pixel reaches one low-res pixel to each side.
    reach = size / side
    used = [
        slice(max(0, int((s.start - 1) * reach)), min(limit, int((s.stop + 1) * reach) + 1))
        for s, limit in zip(spans, limits, strict=True)
    ]
    return square, corner, used


def _reached(axis: _Axis, span: slice) -> slice:
    """Find the output pixels that some input pixel in ``span`` contributes to."""
    start = int(np.searchsorted(axis.upper, span.start, side="left"))
    stop = int(np.searchsorted(axis.lower, span.stop, side="left"))
    return slice(start, stop)


def _span(used: np.ndarray) -> slice:
    positions = np.flatnonzero(used)
    return slice(int(positions[0]), int(positions[-1]) + 1) if len(positions) else slice(0, 0)


@lru_cache(maxsize=32)
def _axis(length: int, resized: int) -> _Axis:
    """Read from torch how it resizes ``length`` pixels to ``resized``, by resizing marks on every third pixel."""
    marks = (torch.arange(length) % 3 == torch.arange(3)[:, None]).float()
    weights = F.interpolate(marks[None, :, :, None], (resized, 1), mode="bilinear", align_corners=False)[0, :, :, 0]
    shares, places = weights.numpy(), np.arange(resized)
    centre = np.rint((places + 0.5) * length / resized - 0.5).astype(np.int64).clip(0, length - 1)
    before = (centre > 0) & (shares[(centre - 1) % 3, places] > 0)
    lower = centre - before
    upper = np.minimum(lower + 1, length - 1)
    second = np.where(upper > lower, shares[upper % 3, places], np.float32(0))
    return _Axis(lower, upper, shares[lower % 3, places], second)
