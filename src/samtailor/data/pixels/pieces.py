"""Count the pieces of a mask. Speckles along an edge, or holes closed by hand, leave dozens."""

from __future__ import annotations

import numpy as np

__all__ = ["count_pieces"]


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
