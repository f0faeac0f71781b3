"""Pieces of a mask are counted as by a flood fill."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samtailor.data.pixels.pieces import count_pieces


def flood_fill_count(mask: np.ndarray) -> int:
    """Count pieces with a flood fill; corners connect."""
    pixels, pieces = {tuple(p) for p in np.argwhere(mask).tolist()}, 0
    while pixels:
        edge, pieces = [pixels.pop()], pieces + 1
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & pixels
            pixels -= near
            edge += near
    return pieces


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_the_count_equals_that_of_a_flood_fill(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((9, 11)) < share
    pieces = flood_fill_count(mask)
    assert count_pieces(mask) == pieces
    assert pieces <= count_pieces(mask, enough=3) <= max(pieces, 3)
