"""Discs and ellipses of any size."""

from __future__ import annotations

import warnings

import pytest

from samtailor.data.formats.curves import ellipse_rle


@pytest.mark.parametrize(("radii", "area"), [((1e-320, 1e-320), 0), ((1e308, 1e308), 96), ((1e-320, 3.0), 0)])
def test_tiny_and_huge_ellipses_are_filled_without_a_word(radii: tuple[float, float], area: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ellipse_rle((6.0, 4.0), radii, 8, 12)[1] == area
        assert ellipse_rle((1e308, -1e308), (1.0, 1.0), 8, 12, 30.0)[1] == 0
