"""The bounding box of a mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samtailor.metrics.extent import Extent, mask_extent

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(MASKS.filter(np.any))
def test_the_box_is_the_smallest_that_holds_the_foreground(mask: np.ndarray) -> None:
    extent = mask_extent(mask)
    cut = mask[extent.window]
    assert cut.shape == (extent.height, extent.width) and cut.sum() == mask.sum()
    assert cut[0].any() and cut[-1].any() and cut[:, 0].any() and cut[:, -1].any()


@given(st.integers(0, 4), st.integers(0, 5))
def test_a_single_pixel_is_one_row_and_one_column(row: int, column: int) -> None:
    mask = np.zeros((5, 6), dtype=bool)
    mask[row, column] = True
    assert mask_extent(mask) == Extent(row, row + 1, column, column + 1)


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0)])
def test_an_empty_mask_is_an_error(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no foreground pixel"):
        mask_extent(np.zeros(shape, dtype=bool))
