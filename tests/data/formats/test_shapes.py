"""Boxes, circles and RLE from files become masks, or ValueError with a short cause."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from samtailor.data.formats.shapes import box_rle, circle_rle, four_numbers, pair_list, rle_from_dict, union
from samtailor.data.pixels.rle import mask_rle


@given(st.integers(-3, 9), st.integers(-3, 7), st.integers(1, 9), st.integers(1, 9))
def test_boxes_are_clipped_to_the_image(left: int, top: int, width: int, height: int) -> None:
    rle, area = box_rle(left + width, top, left, top + height, 6, 8)  # any two opposite corners
    expected = np.zeros((6, 8), dtype=bool)
    expected[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = True
    assert (coco_mask.decode(rle) == expected).all() and area == expected.sum()


def test_a_circle_holds_the_pixels_whose_centres_are_inside() -> None:
    rle, area = circle_rle([6.0, 4.0], [6.0, 6.0], 8, 12)
    assert area == 12 and coco_mask.decode(rle)[2:6, 4:8].sum() == 12


def test_the_union_counts_each_pixel_once() -> None:
    masks = [np.array([[1, 1, 0]]), np.array([[0, 1, 1]])]
    assert union([(mask_rle(m), int(m.sum())) for m in masks])[1] == 3


@pytest.mark.parametrize(
    ("box", "cause"), [(None, "None"), ([1, 2, 3], "[1, 2, 3]"), ([1, 2, 3, "4"], "'4'"), ([True, 1, 2, 3], "True")]
)
def test_a_box_is_four_numbers(box: Any, cause: str) -> None:
    assert four_numbers([1, 2.5, 3, 4]) == (1, 2.5, 3, 4)
    with pytest.raises(ValueError, match="it has no mask") as caught:
        four_numbers(box)
    assert cause in str(caught.value) and "expected [x, y, width, height]" in str(caught.value)


@pytest.mark.parametrize(
    ("points", "cause"),
    [([[1, 1], [2, 2]], "it has 2 points; expected 3"), ([1, 2, 3], "not a list of pairs"), (None, "not a list")],
)
def test_points_are_a_list_of_pairs(points: Any, cause: str) -> None:
    assert pair_list([[1, 2]], 1) == [[1.0, 2.0]]
    with pytest.raises(ValueError, match=cause):
        pair_list(points, 3)


@pytest.mark.parametrize(
    ("segmentation", "cause"),
    [
        ({}, "size None"),
        ({"size": [3, 2], "counts": [6]}, r"size \[3, 2\]; expected \[height, width\] of its image, \[2, 3\]"),
        ({"size": [2, 3]}, "counts of type NoneType"),
        ({"size": [2, 3], "counts": [7]}, "covers 7 pixels"),
    ],
)
def test_an_rle_must_fit_its_image(segmentation: dict[str, Any], cause: str) -> None:
    assert rle_from_dict({"size": [2, 3], "counts": [2, 4]}, 2, 3)[1] == 4
    with pytest.raises(ValueError, match=cause):
        rle_from_dict(segmentation, 2, 3)


def test_shapes_without_area_or_with_infinite_points_are_errors() -> None:
    with pytest.raises(ValueError, match="its box has no area"):
        box_rle(1, 1, 1, 5, 8, 8)
    with pytest.raises(ValueError, match="expected finite numbers"):
        circle_rle([1, 1], [math.inf, 5], 8, 8)
