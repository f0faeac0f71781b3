"""Masks of ellipses and turned boxes, run lengths of CVAT, and masks with holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.formats.shapes import points_rle
from samtailor.data.pixels.rle import Rle, mask_rle

__all__ = ["cut_out", "ellipse_rle", "placed_rle", "polygon_with_holes", "row_runs_rle", "turned_box_rle"]


def ellipse_rle(
    centre: Sequence[float], radii: Sequence[float], height: int, width: int, degrees: float = 0.0
) -> tuple[Rle, int]:
    """Return compressed RLE and area of an ellipse: the pixels whose centres are inside.

    Args:
        centre: (x, y), pixels.
        radii: half axes along x and y before turning, pixels.
        height: height of the image, pixels.
        width: width of the image, pixels.
        degrees: turn clockwise around the centre.

    Raises:
        ValueError: a number is not finite, or a radius is not above 0.
    """
    numbers = np.array([*centre, *radii, degrees], dtype=np.float64)
    if not np.isfinite(numbers).all() or min(radii) <= 0:
        raise ValueError(f"its ellipse has the numbers {numbers.tolist()}; expected radii above 0")
    rows, columns = np.ogrid[:height, :width]
    x, y = columns + 0.5 - centre[0], rows + 0.5 - centre[1]
    turn = np.deg2rad(degrees)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    with np.errstate(over="ignore", invalid="ignore"):  # a tiny radius, or a centre far away: nothing is inside
        mask = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1
    return mask_rle(mask), int(mask.sum())


def turned_box_rle(
    box: Sequence[float], degrees: float, pivot: Sequence[float], height: int, width: int
) -> tuple[Rle, int]:
    """Return compressed RLE and area of a box [x0, y0, x1, y1] turned clockwise around a point."""
    x0, y0, x1, y1 = box
    if not np.isfinite([*box, degrees, *pivot]).all() or x0 == x1 or y0 == y1:
        raise ValueError(f"its box has no area: x from {x0:g} to {x1:g}, y from {y0:g} to {y1:g}")
    turn = np.deg2rad(degrees)
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64) - pivot
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return points_rle((corners @ rotation + pivot).tolist(), height, width)


def row_runs_rle(
    runs: Sequence[int], left: int, top: int, columns: int, rows: int, height: int, width: int
) -> tuple[Rle, int]:
    """Return compressed RLE and area of run lengths along rows, background first, inside a box of an image.

    Raises:
        ValueError: the runs do not fill the box.
    """
    if min(columns, rows) < 1 or columns > 2 * width or rows > 2 * height:
        raise ValueError(f"its mask has {columns} x {rows} pixels, in an image of {width} x {height}")
    counts = np.array(runs, dtype=np.int64)
    if counts.size == 0 or counts.min() < 0 or counts.max() > rows * columns or counts.sum() != rows * columns:
        raise ValueError(f"its runs cover {sum(runs)} pixels; expected {columns} x {rows} = {columns * rows}")
    values = np.arange(counts.size) % 2 == 1
    return placed_rle(np.repeat(values, counts).reshape(rows, columns), left, top, height, width)


def placed_rle(mask: np.ndarray, left: int, top: int, height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a mask (H, W) bool whose upper left pixel is at (left, top) of an image."""
    rows, columns = mask.shape
    whole = np.zeros((height, width), dtype=bool)
    y0, y1, x0, x1 = max(top, 0), min(top + rows, height), max(left, 0), min(left + columns, width)
    if y0 < y1 and x0 < x1:
        whole[y0:y1, x0:x1] = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    return mask_rle(whole), int(whole.sum())


def polygon_with_holes(
    outline: Sequence[Sequence[float]], holes: Sequence[Sequence[Sequence[float]]], height: int, width: int
) -> tuple[Rle, int]:
    """Return compressed RLE and area of the polygon [[x, y], ...] without its holes."""
    whole = points_rle(outline, height, width)
    return cut_out(whole, [points_rle(hole, height, width) for hole in holes]) if holes else whole


def cut_out(mask: tuple[Rle, int], others: Sequence[tuple[Rle, int]]) -> tuple[Rle, int]:
    """Return compressed RLE and area of a mask without the pixels of other masks of the same image."""
    rest = np.asarray(coco_mask.decode(mask[0]), dtype=bool)
    for rle, _ in others:
        rest &= ~np.asarray(coco_mask.decode(rle), dtype=bool)
    return mask_rle(rest), int(rest.sum())
