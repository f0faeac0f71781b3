"""How many pieces a mask has: speckles along an edge or holes closed by hand leave dozens."""

from __future__ import annotations

import numpy as np

__all__ = ["count_pieces"]


def count_pieces(mask: np.ndarray, enough: int = 0) -> int:
    """Connected pieces of a mask; pixels that touch by a corner are connected.

    Args:
        mask: (H, W) bool.
        enough: where a quick look shows that there are no more pieces than this, that bound (at least the true number)
            is the answer; 0 counts always.
    """
    height, width = mask.shape
    ground = np.zeros((width + 1, height + 2), dtype=bool)  # columns as rows, a clear pixel around, so runs end in them
    ground[1:, 1:-1] = mask.T
    flat = np.diff(ground.ravel().astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(flat == 1), np.flatnonzero(flat == -1)
    before = np.zeros_like(ground)  # what a run of the next column would touch
    before[1:] = ground[:-1]
    before[1:, 1:] |= ground[:-1, :-1]
    before[1:, :-1] |= ground[:-1, 1:]
    touching = np.concatenate(([0], np.cumsum((ground & before).ravel())))
    at_most = int((touching[ends] == touching[starts]).sum())  # each piece has a run that touches none before it
    if at_most <= max(enough, 1):
        return at_most
    return _merge(ground, starts, ends)


def _merge(ground: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> int:
    """Pieces that remain when touching runs of neighbouring columns are joined."""
    number = np.full(ground.size, -1)
    number[ground.ravel()] = np.repeat(np.arange(len(starts)), ends - starts)
    table = number.reshape(ground.shape)
    rows = ground.shape[1]
    pairs = set()
    for step in (-1, 0, 1):
        one = table[1:, max(0, step) : rows + min(0, step)]
        other = table[:-1, max(0, -step) : rows + min(0, -step)]
        both = (one >= 0) & (other >= 0)
        pairs |= set(zip(one[both].tolist(), other[both].tolist(), strict=True))
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    pieces = len(parent)
    for one_run, other_run in pairs:
        a, b = root(one_run), root(other_run)
        if a != b:
            parent[a] = b
            pieces -= 1
    return pieces
