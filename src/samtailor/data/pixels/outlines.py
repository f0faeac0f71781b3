"""Trace the outline of a mask as polygons along the borders of its pixels, which fill the same mask again."""

from __future__ import annotations

import numpy as np

__all__ = ["LONGEST_BORDER", "mask_polygons"]

LONGEST_BORDER = 500_000  # pixels, with the cuts at holes

_Point = tuple[int, int]
_Edge = tuple[int, int, int, int]  # start x, y and direction dx, dy; one pixel long


def mask_polygons(mask: np.ndarray) -> list[list[float]] | None:
    """Return polygons whose union is the mask, pixel for pixel.

    A polygon cannot have a hole. So the mask is cut from top to bottom at the left end of each hole.

    Args:
        mask: (H, W), foreground is not 0.

    Returns:
        Polygons [x0, y0, x1, y1, ...] in image pixels, whole numbers; none for an empty mask. None if its border has
        more than ``LONGEST_BORDER`` pixels, as in a chequered mask: polygons would take minutes and far more space.
    """
    full = np.asarray(mask) != 0
    if _border(full) > LONGEST_BORDER:
        return None
    loops = _loops(full)
    cuts = sorted({min(x for x, _ in loop) for loop in loops if _doubled_area(loop) < 0})
    if cuts and _border(full) + 2 * len(cuts) * int(full.any(axis=1).sum()) > LONGEST_BORDER:
        return None
    if cuts:
        bands = zip([0, *cuts], [*cuts, full.shape[1]], strict=True)
        loops = [[(x + start, y) for x, y in loop] for start, end in bands for loop in _loops(full[:, start:end])]
    return [[float(value) for point in loop for value in point] for loop in loops]


def _border(mask: np.ndarray) -> int:
    """Return the number of sides of pixels between foreground and background."""
    padded = np.pad(mask, 1)
    return int((padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum())


def _loops(mask: np.ndarray) -> list[list[_Point]]:
    """Return closed paths along pixel borders, as corners, with foreground to the right.

    Outer paths run clockwise, paths around holes anticlockwise. At a corner where two pixels touch, the path turns
    right and stays on the same pixel, so the two pixels are separated.
    """
    edges = _edges(mask)
    unused = dict.fromkeys(edges)
    loops = []
    while unused:
        first = edge = unused.popitem()[0]
        corners: list[_Point] = []
        while True:
            x, y, dx, dy = edge
            x, y = x + dx, y + dy
            onward = ((x, y, -dy, dx), (x, y, dx, dy), (x, y, dy, -dx))  # right, straight on, left
            edge = next(candidate for candidate in onward if candidate in edges)
            if edge[2:] != (dx, dy):
                corners.append((x, y))
            if edge == first:
                break
            del unused[edge]
        loops.append(corners)
    return loops


def _edges(mask: np.ndarray) -> set[_Edge]:
    """Return the pixel borders between foreground and background, directed with foreground to the right."""
    height, width = mask.shape
    padded = np.pad(mask, 1)
    sides = (((0, 1), (0, 0), (1, 0)), ((1, 2), (1, 0), (0, 1)), ((2, 1), (1, 1), (-1, 0)), ((1, 0), (0, 1), (0, -1)))
    edges: set[_Edge] = set()
    for (row, column), (x, y), direction in sides:
        outside = ~padded[row : row + height, column : column + width]
        rows, columns = np.nonzero(mask & outside)
        edges.update((c + x, r + y, *direction) for r, c in zip(rows.tolist(), columns.tolist(), strict=True))
    return edges


def _doubled_area(loop: list[_Point]) -> int:
    """Return twice the area inside, negative for an anticlockwise path (y down)."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(loop, [*loop[1:], loop[0]], strict=True))
