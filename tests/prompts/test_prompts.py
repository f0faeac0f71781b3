"""Prompts: checks of a user's prompts, and simulation from masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samtailor.errors import PromptError
from samtailor.frames import Frame
from samtailor.prompts import check_prompts, simulate_box, simulate_click, simulate_prompts

FRAME = Frame(10, 10, 64, 16, (64, 64))
masks = arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))).filter(np.any)


@given(masks, st.integers(0, 9))
def test_clicks_hit_the_mask(mask: np.ndarray, seed: int) -> None:
    x, y = simulate_click(mask, np.random.default_rng(seed))
    assert mask[int(y), int(x)]
    assert x % 1 == y % 1 == 0.5


def test_clicks_are_uniform_over_the_mask() -> None:
    mask = np.zeros((4, 6), dtype=bool)
    mask[1, 2:6] = True
    rng = np.random.default_rng(0)
    columns = [int(simulate_click(mask, rng)[0]) for _ in range(4000)]
    assert np.bincount(columns, minlength=6)[2:].min() > 900


@given(masks, st.integers(0, 9))
def test_boxes_without_jitter_are_tight(mask: np.ndarray, seed: int) -> None:
    x0, y0, x1, y1 = simulate_box(mask, np.random.default_rng(seed)).astype(int)
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    assert mask[y0].any() and mask[y1 - 1].any() and mask[:, x0].any() and mask[:, x1 - 1].any()


@given(masks, st.floats(0, 1), st.integers(0, 9))
def test_jittered_boxes_are_valid_prompts(mask: np.ndarray, jitter: float, seed: int) -> None:
    box = simulate_box(mask, np.random.default_rng(seed), jitter)
    frame = Frame(mask.shape[1], mask.shape[0], 64, 16, (64, 64))
    check_prompts(boxes=box, frame=frame)  # raises if empty or outside


@given(masks, st.integers(0, 9))
def test_a_prompt_does_not_depend_on_its_neighbours(mask: np.ndarray, seed: int) -> None:
    neighbour = np.ones((3, 3), dtype=bool)
    alone = simulate_prompts([mask], "click", [np.random.default_rng(seed)])
    together = simulate_prompts([neighbour, mask], "click", [np.random.default_rng(99), np.random.default_rng(seed)])
    np.testing.assert_array_equal(alone.points[0], together.points[1])


def test_one_and_several_prompts_have_the_documented_shapes() -> None:
    single = check_prompts([[1, 2], [3, 4]], [1, 0], frame=FRAME)
    assert single.points.shape == (1, 2, 2)
    assert single.labels.tolist() == [[1, 0]]
    several = check_prompts(np.zeros((5, 1, 2)), None, np.tile([0, 0, 5, 5], (5, 1)), frame=FRAME)
    assert len(several) == 5
    assert several.labels.tolist() == [[1]] * 5
    assert check_prompts(boxes=[0, 0, 5, 5], frame=FRAME).boxes.shape == (1, 4)
    assert several[1:3].points.shape == (2, 1, 2)


@pytest.mark.parametrize(
    ("points", "labels", "boxes", "match"),
    [
        (None, None, None, "No prompt"),
        ([[11, 2]], None, None, "outside the image"),
        ([[-1, 2]], None, None, "outside the image"),
        ([[np.nan, 2]], None, None, "NaN"),
        ([1, 2, 3], None, None, "shape"),
        ([["a", 2]], None, None, "not an array of numbers"),
        ([[1, 2]], [2], None, "Labels contain 2"),
        ([[1, 2]], [1, 1], None, "Labels"),
        (None, [1], [0, 0, 5, 5], "without points"),
        (None, None, [1, 2, 1, 5], "empty"),
        (None, None, [1, 2, 30, 5], "outside"),
        (None, None, [1, 2, 3], "shape"),
        (np.zeros((2, 1, 2)), None, [0, 0, 5, 5], "2 point prompts and 1 boxes"),
    ],
)
def test_invalid_prompts_raise_an_error(points: object, labels: object, boxes: object, match: str) -> None:
    with pytest.raises(PromptError, match=match):
        check_prompts(points, labels, boxes, frame=FRAME)


def test_input_masks_are_checked_against_the_prompts() -> None:
    logits = np.zeros((2, 16, 16))
    assert check_prompts(np.zeros((2, 1, 2)), masks=logits, frame=FRAME).masks.shape == (2, 16, 16)
    alone = check_prompts(masks=logits[0], frame=FRAME)
    assert len(alone) == 1 and len(alone[0:1]) == 1 and alone.masks.dtype == np.float32
    for masks, match in (
        (np.zeros((2, 8, 8)), r"Expected \(16, 16\)"),
        (np.full((1, 16, 16), np.inf), "NaN or infinity"),
        (np.zeros((3, 16, 16)), "2 prompts and 3 input masks"),
    ):
        with pytest.raises(PromptError, match=match):
            check_prompts(np.zeros((2, 1, 2)), masks=masks, frame=FRAME)
