"""Checks of a user's prompts: what is repaired, what is warned of, what is an error."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from samtailor.errors import PromptError, PromptWarning
from samtailor.frames import Frame
from samtailor.prompts import Prompts, check_prompts
from samtailor.prompts.doubts import warn_of_new_kinds

WIDTH, HEIGHT = 200, 100
FRAME = Frame(WIDTH, HEIGHT, 64, 16, (64, 32))
inside = st.tuples(st.floats(2, WIDTH, width=32), st.floats(2, HEIGHT, width=32))
prompt_points = st.lists(inside, min_size=1, max_size=5)


@pytest.fixture(autouse=True)
def no_unexpected_warning() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error", PromptWarning)
        yield


# Boxes that reach outside


@pytest.mark.parametrize("over", [0.0, 0.2, 0.5])
def test_a_box_up_to_half_a_pixel_outside_is_clipped_silently(over: float) -> None:
    box = [-over, -over, WIDTH + over, HEIGHT + over]
    assert check_prompts(boxes=box, frame=FRAME).boxes.tolist() == [[0, 0, WIDTH, HEIGHT]]


@pytest.mark.parametrize("box", [[-1, 5, 50, 60], [3, 5, WIDTH + 20, 60], [3, -25, 50, HEIGHT + 25]])
def test_a_box_farther_outside_is_clipped_with_one_warning(box: list[float]) -> None:
    with pytest.warns(PromptWarning, match="clipped") as caught:
        found = check_prompts(boxes=[box, box], frame=FRAME).boxes
    expected = np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    assert found.tolist() == [expected.tolist()] * 2
    assert len(caught) == 1


@pytest.mark.parametrize(
    "box", [[3, 3, WIDTH * 2, 60], [-60, 3, 30, 60], [201, 3, 210, 60], [-9, 3, -2, 60], [3, 3, 30, 1e30]]
)
def test_a_box_far_outside_is_an_error(box: list[float]) -> None:
    with pytest.raises(PromptError, match="far outside the image of 200 x 100"):
        check_prompts(boxes=box, frame=FRAME)


def test_the_first_wrong_box_is_named() -> None:
    with pytest.raises(PromptError, match=r"box 1 \(counted from 0\), \(9, 9, 9, 20\), is empty.*corners"):
        check_prompts(boxes=[[1, 1, 5, 5], [9, 9, 9, 20]], frame=FRAME)
    with pytest.raises(PromptError, match=r"boxes\[:, :4\]"):
        check_prompts(boxes=[[1, 1, 5, 5, 0.9]], frame=FRAME)


@given(st.lists(st.floats(-80, 280, width=32), min_size=4, max_size=4))
def test_boxes_are_inside_the_image_and_unchanged_inside_it(box: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptWarning)
        try:
            found = check_prompts(boxes=box, frame=FRAME).boxes
        except PromptError:
            x0, y0, x1, y1 = box
            assert x0 >= x1 or y0 >= y1 or min(box) < 0 or x1 > WIDTH or y1 > HEIGHT
            return
    assert found.dtype == np.float32 and (found[:, :2] < found[:, 2:]).all()
    assert found.tolist() == [np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT]).tolist()]


@pytest.mark.parametrize("point", [(-0.3, 5), (5, HEIGHT + 0.4)])
def test_a_point_up_to_half_a_pixel_outside_moves_to_the_border(point: tuple[float, float]) -> None:
    found = check_prompts([point], frame=FRAME).points[0, 0]
    assert found.tolist() == pytest.approx([min(max(point[0], 0), WIDTH), min(max(point[1], 0), HEIGHT)])


# Nothing to segment


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 4)), torch.zeros(0, 4), np.zeros((0, 0)), [[]], ()])
def test_empty_boxes_are_no_prompts(boxes: object) -> None:
    assert len(check_prompts(boxes=boxes, frame=FRAME)) == 0


@pytest.mark.parametrize("points", [[], np.zeros((0, 2)), np.zeros((0, 3, 2)), torch.zeros(0, 1, 2), [[]], ()])
def test_empty_points_are_no_prompts_with_and_without_labels(points: object) -> None:
    assert len(check_prompts(points, frame=FRAME)) == 0
    assert len(check_prompts(points, [], frame=FRAME)) == 0


def test_empty_points_beside_boxes_and_empty_boxes_beside_points_are_ignored() -> None:
    box_only = check_prompts([], [], [[1, 1, 9, 9], [2, 2, 9, 9]], frame=FRAME)
    assert box_only.points is None and box_only.labels is None and len(box_only) == 2
    points_only = check_prompts([[5, 5]], None, [], frame=FRAME)
    assert points_only.boxes is None and points_only.points.tolist() == [[[5, 5]]]


# Padding


@given(st.lists(prompt_points, min_size=1, max_size=6), st.booleans())
def test_points_of_different_number_are_padded_and_grouped_without_padding(rows: list[list], tensors: bool) -> None:
    points = [torch.tensor(row) for row in rows] if tensors else rows
    prompts = check_prompts(points if len(rows) > 1 else points[0], frame=FRAME)
    longest = max(map(len, rows))
    assert prompts.points.shape == (len(rows), longest, 2)
    assert [(labels >= 0).sum() for labels in prompts.labels] == [len(row) for row in rows]
    seen = []
    for positions, group in prompts.by_point_count():
        assert (group.labels == 1).all()
        for position, found in zip(positions, group.points, strict=True):
            np.testing.assert_array_equal(found, np.array(rows[position], dtype=np.float32))
            seen.append(position)
    assert sorted(seen) == list(range(len(rows)))


def test_labels_of_different_number_belong_to_their_points() -> None:
    prompts = check_prompts([[[5, 5], [9, 9]], [[7, 7]]], [[0, 1], [1]], frame=FRAME)
    assert prompts.labels.tolist() == [[0, 1], [1, -1]]
    padded = check_prompts([[[5, 5], [9, 9]], [[7, 7]]], [[0, 1], [1, -1]], frame=FRAME)
    assert padded.labels.tolist() == prompts.labels.tolist()
    one_each = check_prompts(np.full((3, 1, 2), 9.0), [1, 1, 1], frame=FRAME)
    assert one_each.labels.tolist() == [[1], [1], [1]]


@given(
    st.lists(st.tuples(inside, st.sampled_from((0, 1, -1))), min_size=1, max_size=6),
    st.sampled_from((0.0, -1.0, 1e6, np.nan, np.inf)),
)
def test_padding_may_lie_anywhere_and_is_left_out(clicks: list, nowhere: float) -> None:
    labels = [label for _, label in clicks]
    assume(1 in labels)
    points = [point if label >= 0 else (nowhere, nowhere) for point, label in clicks]
    ((_, found),) = check_prompts(points, labels, frame=FRAME).by_point_count()
    real = [(point, label) for point, label in clicks if label >= 0]
    assert found.labels.tolist() == [[label for _, label in real]]
    np.testing.assert_array_equal(found.points, np.array([[point for point, _ in real]], dtype=np.float32))


def test_a_prompt_without_a_point_needs_a_box() -> None:
    with pytest.raises(PromptError, match=r"Prompt 1 of 2 .* has no point"):
        check_prompts([[[5, 5]], []], frame=FRAME)
    prompts = check_prompts([[[5, 5]], None], boxes=[[1, 1, 9, 9], [2, 2, 9, 9]], frame=FRAME)
    groups = {tuple(rows): group for rows, group in prompts.by_point_count()}
    assert groups[(1,)].points is None and groups[(1,)].boxes.tolist() == [[2, 2, 9, 9]]
    assert groups[(0,)].points.tolist() == [[[5, 5]]]
    assert check_prompts([[], []], boxes=[[1, 1, 9, 9], [2, 2, 9, 9]], frame=FRAME).points is None


@pytest.mark.parametrize(
    ("points", "labels", "match"),
    [
        ([[[5, 5], [9, 9]], [[7, 7]]], [[1], [1]], "labels per prompt 1, 1, points per prompt 2, 1"),
        ([[[5, 5], [9, 9]], [[7, 7]]], [[1, 1]], "labels per prompt 2, points"),
        ([[5, 5]], [2], "Labels contain 2.*boxes="),
        ([[5, 5]], [np.nan], "Labels contain nan"),
        ([[[5, 5], [9, 9]], [[7]]], None, "prompt 1 have shape"),
        ([[5, 5], [9]], None, "shape"),
        ([["a", 2]], None, "not an array of numbers"),
        ({"x": 1}, None, "not an array of numbers"),
        ("5,5", None, "not an array of numbers"),
        ([[1j, 2]], None, "not an array of numbers"),
        ([[10**400, 2]], None, "not an array of numbers"),
        (np.zeros((2, 3)), None, "shape"),
        (torch.zeros(3, 2, device="meta"), None, "not an array of numbers"),
    ],
)
def test_wrong_points_and_labels_are_named(points: object, labels: object, match: str) -> None:
    with pytest.raises(PromptError, match=match):
        check_prompts(points, labels, frame=FRAME)


# Tensors


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.int32])
@pytest.mark.parametrize("listed", [False, True])
def test_tensors_of_any_type_are_taken(dtype: torch.dtype, listed: bool) -> None:
    points, boxes = torch.tensor([[[8, 16]], [[32, 64]]]).to(dtype), torch.tensor([[2, 4, 8, 16.0], [0, 0, 4, 4]])
    labels, masks = torch.tensor([[1], [0]], dtype=torch.bfloat16), torch.zeros(2, 16, 16, dtype=torch.bfloat16)
    if dtype.is_floating_point:
        points, boxes = points.requires_grad_(), boxes.to(dtype).requires_grad_() * 1
    values = [list(part) if listed else part for part in (points, labels, boxes, masks)]
    prompts = check_prompts(*values, frame=FRAME)
    assert prompts.points.tolist() == [[[8, 16]], [[32, 64]]] and prompts.points.dtype == np.float32
    assert prompts.labels.tolist() == [[1], [0]]
    assert prompts.boxes.tolist() == [[2, 4, 8, 16], [0, 0, 4, 4]] and prompts.masks.shape == (2, 16, 16)


def test_other_collections_are_taken() -> None:
    points = check_prompts((point for point in [(5, 5), (9, 9)]), frame=FRAME).points
    assert points.tolist() == [[[5, 5], [9, 9]]]
    objects = np.empty(2, dtype=object)
    objects[:] = [np.array([[5, 5]]), np.array([[7, 7], [9, 9]])]
    assert check_prompts(objects, frame=FRAME).labels.tolist() == [[1, -1], [1, 1]]
    assert check_prompts([torch.tensor(5.0), 6], frame=FRAME).points.tolist() == [[[5, 6]]]


# Doubts


@pytest.mark.parametrize(
    ("prompt", "match"),
    [
        ({"points": [[5, 5]], "labels": [0]}, "background clicks alone"),
        ({"points": [[[5, 5]], [[9, 9]]], "labels": [[1], [0]]}, "background clicks alone"),
        ({"points": [[5, 5], [9, 9]], "labels": [0, -1]}, "background clicks alone"),
        ({"points": [[0.4, 0.7]]}, "between 0 and 1"),
        ({"boxes": [0.1, 0.2, 0.5, 0.9]}, "between 0 and 1"),
        ({"boxes": [0, 0, 1, 1]}, "between 0 and 1"),
    ],
)
def test_doubtful_prompts_are_taken_with_one_warning(prompt: dict, match: str) -> None:
    with pytest.warns(PromptWarning, match=match) as caught:
        check_prompts(**prompt, frame=FRAME)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_prompts_without_doubt_get_no_warning() -> None:
    check_prompts([[5, 5], [9, 9]], [1, 0], frame=FRAME)
    check_prompts([[5, 5]], [0], [1, 1, 9, 9], frame=FRAME)  # a box says where the object is
    check_prompts([[5, 5]], [0], masks=np.zeros((16, 16)), frame=FRAME)
    check_prompts([[0.5, 0.5], [30, 40]], frame=FRAME)
    check_prompts([[0, 0]], frame=FRAME)
    check_prompts([[0.5, 0.5]], frame=Frame(1, 1, 64, 16, (64, 64)))


POINTS = {"points": np.ones((1, 1, 2)), "labels": np.ones((1, 1))}
BOXES, MASKS = {"boxes": np.ones((1, 4))}, {"masks": np.ones((1, 16, 16))}


@pytest.mark.parametrize(
    ("fitted_on", "prompt", "words"),
    [
        ("click", POINTS, None),
        ("click", BOXES, "fitted on clicks, not on boxes"),
        ("click", POINTS | BOXES, "fitted on clicks, not on boxes"),
        ("box", POINTS, "fitted on boxes, not on clicks"),
        ("mix", POINTS | BOXES, None),
        ("mix", POINTS | MASKS, "fitted on boxes and clicks, not on masks"),
        ("click and mask", POINTS | MASKS, None),
        ("something new", BOXES, None),
        (None, BOXES, None),
    ],
)
def test_a_kind_of_prompt_that_the_adapter_was_not_fitted_on_is_named(
    fitted_on: str | None, prompt: dict, words: str | None
) -> None:
    if words is None:
        warn_of_new_kinds(Prompts(**prompt), fitted_on)
    else:
        with pytest.warns(PromptWarning, match=words):
            warn_of_new_kinds(Prompts(**prompt), fitted_on)
