"""Scores of masks that are cut to a window equal those of whole masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from samtailor.data.pixels.rle import mask_rle
from samtailor.data.task import Instance
from samtailor.evaluation.truth import truth_of
from samtailor.metrics import Patch, boundary_of, count_patches, count_pixels, outline_of
from samtailor.metrics.scores import score_mask, score_patch

sizes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
masks = sizes.flatmap(lambda shape: st.tuples(*[_masks(shape)] * 3))


def _masks(shape: tuple[int, int]) -> st.SearchStrategy[np.ndarray]:
    boxes = st.tuples(*[st.integers(0, side) for side in (*shape, *shape)]).map(lambda b: _box(shape, b))
    return boxes | arrays(bool, shape)


def _box(shape: tuple[int, int], ends: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[min(ends[0], ends[2]) : max(ends[0], ends[2]), min(ends[1], ends[3]) : max(ends[1], ends[3])] = True
    return mask


def loose(mask: np.ndarray, margin: int) -> Patch:
    """Cut a mask to a window with background around its box."""
    tight = Patch.of(mask)
    (top, left), (height, width) = tight.corner, tight.pixels.shape
    rows, columns = slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width)
    return Patch(mask[rows, columns], (rows.start, columns.start), tight.size)


@given(masks, st.integers(0, 5))
def test_scores_of_patches_are_those_of_whole_masks(pair: tuple[np.ndarray, ...], margin: int) -> None:
    """All scores, boundary scores included, to the last bit, for tight and for loose windows."""
    predicted, truth, _ = pair
    expected = score_mask(predicted, truth, boundary_of(truth))
    for a in (Patch.of(predicted), loose(predicted, margin)):
        for b in (Patch.of(truth), loose(truth, margin)):
            assert count_patches(a, b) == count_pixels(predicted, truth)
            assert score_patch(a, b, outline_of(b)) == expected


@given(masks)
def test_patches_unite_as_masks_do(triple: tuple[np.ndarray, ...]) -> None:
    a, b, c = triple
    united = Patch.of(a) | Patch.of(b) | Patch.of(c)
    assert np.array_equal(united.whole(), a | b | c)
    assert united.size == a.shape


@given(masks)
def test_the_patch_of_a_truth_is_its_mask(triple: tuple[np.ndarray, ...]) -> None:
    mask = triple[0]
    instance = Instance(1, "a", mask_rle(mask), int(mask.sum()))
    assert np.array_equal(truth_of(instance).whole(), mask)
