"""Count the pieces of masks, and split masks into pieces. Speckles and holes closed by hand leave dozens."""

from __future__ import annotations

import numpy as np

__all__ = ["count_pieces", "large", "large_pieces", "piece_areas", "split_pieces"]

_CORNERS = np.ones((3, 3))
_SMALLEST = 16  # pixels of a large piece
_SHARE = 0.1  # of the largest piece


def count_pieces(mask: np.ndarray, enough: int = 0) -> int:
    """Count the connected pieces of a mask. Pixels that touch at a corner are connected.

    Args:
        mask: (H, W) bool.
        enough: return a quick upper bound of the number if the bound is not above this; 0 always counts exactly.
    """
    height, width = mask.shape
    padded = np.zeros((width + 1, height + 2), dtype=bool)  # transposed, with a border in which every run ends
    padded[1:, 1:-1] = mask.T
    steps = np.diff(padded.ravel().astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    near_previous = np.zeros_like(padded)  # pixels that touch a run of the previous column
    near_previous[1:] = padded[:-1]
    near_previous[1:, 1:] |= padded[:-1, :-1]
    near_previous[1:, :-1] |= padded[:-1, 1:]
    touching = np.concatenate(([0], np.cumsum((padded & near_previous).ravel())))
    bound = int((touching[ends] == touching[starts]).sum())  # each piece has a run that touches none before it
    if bound <= max(enough, 1):
        return bound
    return _count_merged(padded, starts, ends)


def _count_merged(padded: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> int:
    """Count the pieces after joining runs of neighbouring columns that touch."""
    run_of = np.full(padded.size, -1)
    run_of[padded.ravel()] = np.repeat(np.arange(len(starts)), ends - starts)
    table = run_of.reshape(padded.shape)
    rows = padded.shape[1]
    pairs = set()
    for step in (-1, 0, 1):
        right = table[1:, max(0, step) : rows + min(0, step)]
        left = table[:-1, max(0, -step) : rows + min(0, -step)]
        both = (right >= 0) & (left >= 0)
        pairs |= set(zip(right[both].tolist(), left[both].tolist(), strict=True))
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    pieces = len(parent)
    for right_run, left_run in pairs:
        a, b = root(right_run), root(left_run)
        if a != b:
            parent[a] = b
            pieces -= 1
    return pieces


def large_pieces(values: np.ndarray) -> dict[int, tuple[int, ...]]:
    """Return the areas of the large pieces of each value above 0 in a label map.

    A piece is large if it has 16 pixels or more, and a tenth of the pixels of the largest piece of its value. Pixels
    that touch at a corner are connected.

    Args:
        values: (H, W) whole numbers, at most 65535.
    """
    from scipy import ndimage  # slow to import

    pieces: dict[int, tuple[int, ...]] = {}
    for value, window in enumerate(ndimage.find_objects(values.astype(np.int32)), 1):
        if window is not None:
            areas = piece_areas(values[window] == value)
            pieces[value] = tuple(areas[large(areas)].tolist())
    return pieces


def piece_areas(mask: np.ndarray) -> np.ndarray:
    """Return the number of pixels of each connected piece of a mask (H, W)."""
    from scipy import ndimage  # slow to import

    pieces, count = ndimage.label(mask, _CORNERS)
    return np.bincount(pieces.ravel(), minlength=count + 1)[1:]


def large(areas: np.ndarray) -> np.ndarray:
    """Return True for each piece that is large, from the areas of all pieces of a mask; see ``large_pieces``."""
    return np.asarray(areas >= max(_SMALLEST, _SHARE * areas.max(initial=0)))


def split_pieces(mask: np.ndarray) -> list[np.ndarray]:
    """Return a mask (H, W) for each large piece; a small one is part of the nearest large one.

    A mask without a large piece is returned whole.
    """
    from scipy import ndimage  # slow to import

    pieces, count = ndimage.label(mask, _CORNERS)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    kept = np.flatnonzero(large(areas)) + 1
    if len(kept) < 2:
        return [np.asarray(mask, dtype=bool)]
    if len(kept) < count:
        nearest = ndimage.distance_transform_edt(~np.isin(pieces, kept), return_distances=False, return_indices=True)
        pieces = np.where(pieces > 0, pieces[tuple(nearest)], 0)
    return [pieces == piece for piece in kept]
