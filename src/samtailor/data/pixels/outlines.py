"""The outline of a mask as polygons along the borders of its pixels: read back, they give the same mask."""

from __future__ import annotations

import numpy as np

__all__ = ["mask_polygons"]

_Point = tuple[int, int]
_Edge = tuple[int, int, int, int]  # x, y where it starts, and its heading: one pixel long


def mask_polygons(mask: np.ndarray) -> list[list[float]]:
    """Polygons whose union is the mask, pixel for pixel.

    A polygon cannot have a hole, so the mask is cut from top to bottom where a hole begins on its left.

    Args:
        mask: (H, W), anything but 0 is foreground.

    Returns:
        Each [x0, y0, x1, y1, ...] in image pixels, whole numbers; empty for an empty mask.
    """
    full = np.asarray(mask) != 0
    loops = _loops(full)
    cuts = sorted({min(x for x, _ in loop) for loop in loops if _doubled_area(loop) < 0})
    if cuts:
        bands = zip([0, *cuts], [*cuts, full.shape[1]], strict=True)
        loops = [[(x + start, y) for x, y in loop] for start, end in bands for loop in _loops(full[:, start:end])]
    return [[float(value) for point in loop for value in point] for loop in loops]


def _loops(mask: np.ndarray) -> list[list[_Point]]:
    """Closed walks along pixel borders, corners only, foreground on the right hand: clockwise, but not in holes.

    Where two ways lead on, the turn to the right stays on the same pixel: pixels that touch at a corner come apart.
    """
    edges = _edges(mask)
    left = dict.fromkeys(edges)
    loops = []
    while left:
        first = edge = left.popitem()[0]
        corners: list[_Point] = []
        while True:
            x, y, dx, dy = edge
            x, y = x + dx, y + dy
            ways = ((x, y, -dy, dx), (x, y, dx, dy), (x, y, dy, -dx))
            edge = next(way for way in ways if way in edges)
            if edge[2:] != (dx, dy):
                corners.append((x, y))
            if edge == first:
                break
            del left[edge]
        loops.append(corners)
    return loops


def _edges(mask: np.ndarray) -> set[_Edge]:
    """Pixel borders between foreground and background, headed so that foreground lies on the right hand."""
    height, width = mask.shape
    ground = np.pad(mask, 1)
    sides = (((0, 1), (0, 0), (1, 0)), ((1, 2), (1, 0), (0, 1)), ((2, 1), (1, 1), (-1, 0)), ((1, 0), (0, 1), (0, -1)))
    found: set[_Edge] = set()
    for (row, column), (x, y), heading in sides:
        outside = ~ground[row : row + height, column : column + width]
        rows, columns = np.nonzero(mask & outside)
        found.update((c + x, r + y, *heading) for r, c in zip(rows.tolist(), columns.tolist(), strict=True))
    return found


def _doubled_area(loop: list[_Point]) -> int:
    """Twice the area inside, below 0 where the walk goes against the clock (y down)."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(loop, [*loop[1:], loop[0]], strict=True))
