"""Run lengths: masks, polygons and label maps become RLE that decodes to the same mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from samtailor.data.pixels.rle import label_rles, mask_rle, polygons_rle, rle_from_counts
from tests.data.formats.coco_content import plain_counts

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)


@given(hnp.arrays(np.bool_, SHAPES))
def test_compressed_and_plain_counts_give_the_mask(mask: np.ndarray) -> None:
    height, width = mask.shape
    for counts in (mask_rle(mask)["counts"], mask_rle(mask)["counts"].decode(), plain_counts(mask)):
        rle, area = rle_from_counts(counts, height, width)
        assert (coco_mask.decode(rle) == mask).all()
        assert area == mask.sum()


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=12))
def test_long_runs_are_read(counts: list[int]) -> None:
    rle, area = rle_from_counts(counts, sum(counts), 1)
    again, same_area = rle_from_counts(rle["counts"], sum(counts), 1)
    assert again == rle and area == same_area == sum(counts[1::2])


@given(st.binary(max_size=12))
def test_damaged_counts_never_reach_the_decoder(text: bytes) -> None:
    try:
        rle, area = rle_from_counts(text, 5, 4)
    except ValueError:
        return
    assert coco_mask.decode(rle).sum() == area


@given(st.integers(-3, 9), st.integers(-3, 7), st.integers(1, 9), st.integers(1, 9))
def test_polygons_are_clipped_to_the_image(left: int, top: int, width: int, height: int) -> None:
    right, bottom = left + width, top + height
    rle, area = polygons_rle([[left, top, right, top, right, bottom, left, bottom]], 6, 8)
    expected = np.zeros((6, 8), dtype=bool)
    expected[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    assert (coco_mask.decode(rle) == expected).all()
    assert area == expected.sum()


@given(hnp.arrays(np.uint16, SHAPES, elements=st.integers(0, 5)))
def test_label_maps_are_separated_by_value(labels: np.ndarray) -> None:
    rles = label_rles(labels)
    assert list(rles) == [value for value in np.unique(labels).tolist() if value]
    for value, (rle, area) in rles.items():
        assert (coco_mask.decode(rle) == (labels == value)).all()
        assert area == (labels == value).sum()


def test_counts_that_are_not_whole_numbers_are_errors() -> None:
    for counts in ([], [1.5, 2], [2**40]):
        with pytest.raises(ValueError, match="its RLE"):
            rle_from_counts(counts, 2, 2)


def test_polygons_far_outside_are_clipped_before_they_are_filled() -> None:
    random = np.random.default_rng(0)
    for corners in (60, 2000):
        points = (random.random(2 * corners) * 2e6 - 1e6).tolist()
        rle, area = polygons_rle([points], 72, 96)
        assert rle["size"] == [72, 96] and 0 <= area <= 72 * 96
    around = [-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6]
    assert polygons_rle([around], 72, 96)[1] == 72 * 96
    half = [-1e6, -1e6, 48, -1e6, 48, 1e6, -1e6, 1e6]
    assert polygons_rle([half], 72, 96)[1] == 72 * 48
    beside = [1e5, 1e5, 9e5, 1e5, 9e5, 9e5]
    assert polygons_rle([beside], 72, 96)[1] == 0


def test_an_endless_outline_is_an_error() -> None:
    points = (np.random.default_rng(0).random(20_000) * 8000).tolist()
    with pytest.raises(ValueError, match="10000 corners and an outline"):
        polygons_rle([points], 8000, 8000)
