"""Find masks whose values along edges were made by smoothing, scaling or JPEG compression."""

from __future__ import annotations

import numpy as np

__all__ = ["grey_edges", "is_thin", "threshold"]

_FEWEST = 4  # values that occur along edges only
_INSIDE = 0.15  # share of the pixels of a value with equal neighbours; less for values along edges
_NEAR = 8  # pixels from an edge; the blocks of JPEG are 8 x 8
_MIN_AREA = 16
_LOWEST_TOP = 64  # the highest value of a mask with greys
_NEARLY = 48  # grey levels from black or white, in a JPEG of two values
_MOST_GREYS = 0.1  # of the pixels
_SIDE = 2048  # larger masks are judged by every n-th pixel of their middle


def grey_edges(values: np.ndarray, lossy: bool = False) -> str:
    """Judge the values of a mask.

    Args:
        values: (H, W) labels.
        lossy: True if the file has lossy compression.

    Returns:
        ``two`` for a mask of two values with greys along its edges, ``several`` for one of several values with other
        values along its edges, or an empty text for a mask without such greys.
    """
    values = _middle(values)
    if values.size == 0 or values.min() < 0:
        return ""
    top = int(values.max())
    if top < _LOWEST_TOP:
        return ""
    areas = np.bincount(values.ravel(), minlength=top + 1)
    used = np.flatnonzero(areas)
    if len(used) > 256 and top > 255:  # a soft mask of 16 bits
        return grey_edges(values.astype(np.int64) * 255 // top, lossy)
    if not 3 < len(used) <= 256 or (len(used) <= _FEWEST + 1 and not lossy):
        return ""
    inside = np.bincount(values[_inside(values)], minlength=top + 1)
    shares, areas = inside[used] / areas[used], areas[used]
    solid = {
        int(v) for v, area, share in zip(used, areas, shares, strict=True) if area >= _MIN_AREA and share >= _INSIDE
    }
    if lossy and _is_black_and_white(values, solid):
        return "two"
    greys = [int(v) for v in used if int(v) not in solid and v > 0]
    if len(greys) < _FEWEST:
        return ""
    is_grey = np.isin(values, greys)
    objects = np.isin(values, [value for value in solid if value > 0])
    if not objects.any() or not _all_near(is_grey, objects):
        return ""
    low, high = 0.1 * top, 0.75 * top
    between = any(low < grey < 0.9 * top for grey in greys) or sum(grey >= 0.9 * top for grey in greys) >= 2
    two = all(value <= low or value >= high for value in solid) and any(value >= high for value in solid)
    if two and (between or lossy):
        return "two"
    return "several" if len([value for value in solid if value > low]) > 1 and len(greys) >= 2 * len(solid) else ""


def _is_black_and_white(values: np.ndarray, solid: set[int]) -> bool:
    """Return True if the pixels of a mask of 8 bits are nearly black or nearly white, with greys between them only."""
    from scipy import ndimage  # slow to import

    if values.max() > 255 or any(_NEARLY <= value < 256 - _NEARLY for value in solid):
        return False
    black, white = values < _NEARLY, values >= 256 - _NEARLY
    greys = ~(black | white)
    if not (black.any() and white.any()) or greys.sum() > _MOST_GREYS * values.size:
        return False
    near = ndimage.binary_dilation(white, np.ones((5, 5)))
    return bool((greys & near).sum() >= 0.9 * greys.sum())


def threshold(values: np.ndarray) -> np.ndarray:
    """Return 255 for the values from half of the highest one on, and 0 for the others; half of 255 for 8 bits."""
    top = 255 if values.max(initial=0) <= 255 and values.max(initial=0) > 128 else int(values.max(initial=0))
    return np.where(values >= (top + 1) // 2, np.uint8(255), np.uint8(0))


def is_thin(mask: np.ndarray, radius: int = 3) -> bool:
    """Return True if no pixel of a mask (H, W) is farther than ``radius`` from its outside, as in an outline."""
    from scipy import ndimage  # slow to import

    if not mask.any():
        return False
    return not ndimage.binary_erosion(mask, np.ones((2 * radius + 1, 2 * radius + 1)), border_value=1).any()


def _middle(values: np.ndarray) -> np.ndarray:
    height, width = values.shape
    top, left = max(0, (height - _SIDE) // 2), max(0, (width - _SIDE) // 2)
    return values[top : top + _SIDE, left : left + _SIDE]


def _inside(values: np.ndarray) -> np.ndarray:
    """Return True for pixels whose four neighbours have the same value."""
    equal = np.ones(values.shape, dtype=bool)
    down, right = values[1:] == values[:-1], values[:, 1:] == values[:, :-1]
    equal[1:] &= down
    equal[:-1] &= down
    equal[:, 1:] &= right
    equal[:, :-1] &= right
    return equal


def _all_near(greys: np.ndarray, objects: np.ndarray) -> bool:
    """Return True if nearly all greys are near an object."""
    from scipy import ndimage  # slow to import

    near = ndimage.binary_dilation(objects, np.ones((3, 3)), iterations=_NEAR)
    return bool((greys & near).sum() >= 0.95 * greys.sum())
