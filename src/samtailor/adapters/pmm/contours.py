"""Contours of masks, as points at equal distances along the outline."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from scipy import ndimage

__all__ = ["contour", "jitter_contour"]

WAVES = 4  # harmonics of a jittered contour; fewer than its points, so that it stays smooth


def contour(mask: np.ndarray, points: int) -> np.ndarray | None:
    """Return the outer boundary of a mask's largest component, clockwise on a screen (x right, y down).

    The line is half-way between foreground and background pixels (marching squares, Lorensen and Cline 1987, by
    ``contourpy``), so even a single pixel has a contour with a length. Holes and other components are ignored; pixels
    that touch only at a corner are not connected. If the image's border cuts a mask, the border is part of the line.

    Args:
        mask: (l, l) bool; other heights and widths work too.
        points: P, number of points; the first is an arbitrary one.

    Returns:
        (P, 2) float32, (x, y) in pixels of the mask, pixel centres at +0.5, 0 .. width and 0 .. height; None if the
        mask is empty.
    """
    components, count = ndimage.label(mask)
    if count == 0:
        return None
    largest = int(np.bincount(components.ravel())[1:].argmax()) + 1
    rows, columns = ndimage.find_objects(components)[largest - 1]
    # A margin of background closes the lines of a component that touches the border.
    component = np.pad((components[rows, columns] == largest).astype(np.float64), 1)
    lines = [np.asarray(line) for line in contour_generator(z=component).lines(0.5)]
    areas = [_signed_area(line) for line in lines]
    outer = int(np.abs(areas).argmax())  # the outer line encloses all holes
    line = lines[outer] if areas[outer] > 0 else lines[outer][::-1]
    corner = np.array([columns.start, rows.start])
    spaced: np.ndarray = _equally_spaced(line, points) + corner - 0.5  # -1 for the margin, +0.5 for pixel centres
    return spaced.astype(np.float32)


def _signed_area(line: np.ndarray) -> float:
    """Return the area inside a closed line (k, 2) whose last point is its first; positive if clockwise on a screen."""
    x, y = line.T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def _equally_spaced(line: np.ndarray, points: int) -> np.ndarray:
    """Return points at equal arc length along a closed line (k, 2) whose last point is its first."""
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    targets = np.arange(points) * (lengths[-1] / points)
    return np.stack([np.interp(targets, lengths, axis) for axis in line.T], axis=-1)


def jitter_contour(contour: np.ndarray, rng: np.random.Generator, amount: float, size: tuple[int, int]) -> np.ndarray:
    """Shift, scale and bend a contour at random, to resemble the contour of a poor first mask.

    Args:
        contour: (P, 2), (x, y).
        rng: random generator.
        amount: size of the changes, as a share of the contour's larger side: the maximum of the shift and of the change
            in size, and roughly the height of the waves; 0 changes nothing.
        size: (width, height) of the image, in the contour's pixels; points outside are moved onto its border.

    Returns:
        (P, 2) float32, in the same order.
    """
    low, high = contour.min(0), contour.max(0)
    extent, centre = float((high - low).max()), (low + high) / 2
    shift, scale = rng.uniform(-1, 1, 2) * amount * extent, 1 + amount * rng.uniform(-1, 1)
    angles = 2 * np.pi * np.arange(len(contour)) / len(contour)
    order = np.arange(1, WAVES + 1)
    phases = angles[:, None] * order  # (P, waves)
    heights = rng.normal(size=(2, WAVES, 2)) / order[:, None]  # waves of low order are the highest
    waves = (np.cos(phases) @ heights[0] + np.sin(phases) @ heights[1]) * (amount * extent / WAVES)
    jittered: np.ndarray = centre + shift + (contour - centre) * scale + waves
    return jittered.clip(0, size).astype(np.float32)
