"""Outlines of masks as points at equal arc length."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from scipy import ndimage

__all__ = ["contour", "jitter_contour"]

WAVES = 4  # harmonics of a jittered contour's waviness: fewer than its points, so that it stays smooth


def contour(mask: np.ndarray, points: int) -> np.ndarray | None:
    """The outer boundary of a mask's largest component, walked clockwise as seen on a screen (x right, y down).

    The line runs half-way between foreground and background pixels (marching squares, Lorensen and Cline 1987, by
    ``contourpy``), so that even a single pixel has one with a length. Holes and other components are ignored; pixels
    that touch only at a corner are not connected. Where a mask is cut by the picture's border, the border is part of
    the line.

    Args:
        mask: (l, l) bool; any height and width will do.
        points: P, how many; the first is wherever the walk begins.

    Returns:
        (P, 2) float32, (x, y) in pixels of the mask, pixel centres at +0.5, 0 .. width and 0 .. height; None where the
        mask is empty.
    """
    pieces, count = ndimage.label(mask)
    if count == 0:
        return None
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    rows, columns = ndimage.find_objects(pieces)[largest - 1]
    # A ring of background closes the lines of what touches the border.
    piece = np.pad((pieces[rows, columns] == largest).astype(np.float64), 1)
    lines = [np.asarray(line) for line in contour_generator(z=piece).lines(0.5)]
    areas = [_area(line) for line in lines]
    outer = int(np.abs(areas).argmax())  # it goes around all holes
    line = lines[outer] if areas[outer] > 0 else lines[outer][::-1]
    corner = np.array([columns.start, rows.start])
    placed: np.ndarray = _spaced(line, points) + corner - 0.5  # -1 for the ring, +0.5 for the centres
    return placed.astype(np.float32)


def _area(line: np.ndarray) -> float:
    """Inside a closed line (k, 2) whose last point is its first; above 0 where it runs clockwise on a screen."""
    x, y = line.T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def _spaced(line: np.ndarray, points: int) -> np.ndarray:
    """Points at equal arc length along a closed line (k, 2) whose last point is its first."""
    walked = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    at = np.arange(points) * (walked[-1] / points)
    return np.stack([np.interp(at, walked, axis) for axis in line.T], axis=-1)


def jitter_contour(contour: np.ndarray, rng: np.random.Generator, amount: float, size: tuple[int, int]) -> np.ndarray:
    """A contour moved, scaled and bent at random, as a poor first mask might have it.

    Args:
        contour: (P, 2), (x, y).
        rng: where chance comes from.
        amount: how far, as a share of the contour's larger side: of the shift and of the change in size at most, and
            of the waves' height by and large; 0 changes nothing.
        size: (width, height) of the picture, in the contour's pixels; points beyond are moved onto its border.

    Returns:
        (P, 2) float32, in the same order.
    """
    low, high = contour.min(0), contour.max(0)
    extent, centre = float((high - low).max()), (low + high) / 2
    shift, scale = rng.uniform(-1, 1, 2) * amount * extent, 1 + amount * rng.uniform(-1, 1)
    turns = 2 * np.pi * np.arange(len(contour)) / len(contour)
    order = np.arange(1, WAVES + 1)
    angles = turns[:, None] * order  # (P, waves)
    heights = rng.normal(size=(2, WAVES, 2)) / order[:, None]  # low waves are the high ones
    waves = (np.cos(angles) @ heights[0] + np.sin(angles) @ heights[1]) * (amount * extent / WAVES)
    moved: np.ndarray = centre + shift + (contour - centre) * scale + waves
    return moved.clip(0, size).astype(np.float32)
