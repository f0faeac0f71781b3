"""Frames: every conversion against its inverse, and against SAM's own arithmetic."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from samtailor.bases.sam.preprocess import padded_frame
from samtailor.frames import Frame

sizes = st.integers(1, 5000)


def frame_of(width: int, height: int, input_size: int) -> Frame:
    """SAM's frame."""
    return padded_frame(width, height, input_size, input_size // 4)


@given(sizes, sizes, st.sampled_from([64, 1024]))
def test_the_picture_fills_the_square_along_its_longer_side(width: int, height: int, side: int) -> None:
    w, h = frame_of(width, height, side).resized
    assert max(w, h) == side
    assert min(w, h) >= 1


@given(sizes, sizes, st.floats(0, 1), st.floats(0, 1))
def test_points_come_back(width: int, height: int, x: float, y: float) -> None:
    frame = frame_of(width, height, 1024)
    point = torch.tensor([[x * width, y * height]], dtype=torch.float64)
    there = frame.points_to_input(point)
    assert (there <= torch.tensor(frame.resized) + 1e-6).all()
    torch.testing.assert_close(frame.points_to_image(there), point)


@given(st.integers(8, 80), st.integers(8, 80))
def test_boxes_move_as_their_corners_do(width: int, height: int) -> None:
    frame = frame_of(width, height, 64)
    box = torch.tensor([[1.0, 2.0, width - 1.5, height - 0.5]])
    corners = frame.points_to_input(box.reshape(2, 2)).reshape(1, 4)
    torch.testing.assert_close(frame.boxes_to_input(box), corners)


def test_corners_of_the_image_are_corners_of_the_picture() -> None:
    frame = frame_of(300, 200, 1024)
    torch.testing.assert_close(frame.points_to_input(torch.tensor([300.0, 200.0])), torch.tensor([1024.0, 683.0]))


def test_a_large_mask_survives_the_way_to_low_res_and_back() -> None:
    frame = frame_of(300, 200, 1024)
    mask = torch.zeros(1, 200, 300)
    mask[:, 50:150, 100:260] = 1
    low = frame.masks_to_low_res(mask)
    assert low.min() >= 0
    assert low.max() <= 1.0001
    back = frame.logits_to_image(low[:, None] - 0.5)[:, 0] > 0
    both = (back & (mask > 0)).sum() / (back | (mask > 0)).sum()
    assert both > 0.97


@given(st.integers(1, 300), st.integers(1, 300))
def test_low_res_coverage_keeps_the_area(width: int, height: int) -> None:
    """A full mask covers exactly the valid part: its summed coverage is the picture's area in cells."""
    frame = frame_of(width, height, 64)
    low = frame.masks_to_low_res(torch.ones(1, height, width))
    w, h = frame.resized
    torch.testing.assert_close(low.sum(), torch.tensor(w * h / 16.0), rtol=1e-4, atol=1e-3)
    assert frame.valid_low_res().any()


def test_strips_keep_a_row() -> None:
    frame = frame_of(4000, 1, 1024)
    assert frame.resized == (1024, 1)
    assert frame.logits_to_image(torch.ones(2, 1, 256, 256)).shape == (2, 1, 1, 4000)
    assert frame.valid_low_res().sum() == 256


def test_logits_to_image_is_sams_own_postprocessing() -> None:
    logits = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    frame = frame_of(411, 300, 1024)
    square = F.interpolate(logits, (1024, 1024), mode="bilinear", align_corners=False)
    theirs = F.interpolate(square[..., :747, :1024], (300, 411), mode="bilinear", align_corners=False)
    assert torch.equal(frame.logits_to_image(logits), theirs)


@given(st.integers(2, 600), st.integers(2, 600))
def test_low_res_masks_are_means_over_the_input_frame(width: int, height: int) -> None:
    """Matrix products along rows and columns take the place of resizing and averaging."""
    frame = frame_of(width, height, 64)
    assume(min(frame.resized) > 1)  # to a width of one pixel torch 2.14 resizes wrongly
    masks = torch.rand(3, height, width, generator=torch.Generator().manual_seed(width)) > 0.5
    masks[1, : height // 2] = masks[1, :, width // 2 :] = False  # lies in a corner
    masks[2] = False
    w, h = frame.resized
    resized = F.interpolate(masks[:, None].float(), (h, w), mode="bilinear", antialias=True)
    expected = F.adaptive_avg_pool2d(F.pad(resized, (0, 64 - w, 0, 64 - h)), 16)[:, 0]
    torch.testing.assert_close(frame.masks_to_low_res(masks), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1388, 1040), (1333, 1000), (512, 512), (333, 500)])
def test_a_covered_cell_is_covered_exactly(width: int, height: int) -> None:
    """Else the inside of a mask would pass for its boundary where losses sample cells."""
    frame = frame_of(width, height, 1024)
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[:, : height // 2, : width // 2] = True
    low = frame.masks_to_low_res(mask)[0]
    w, h = frame.resized
    assert (low[: h // 8 - 2, : w // 8 - 2] == 1).all()
    assert (low[h // 8 + 3 :] == 0).all() and (low[:, w // 8 + 3 :] == 0).all()


def test_a_line_of_pixels_keeps_its_gap() -> None:
    mask = torch.tensor([1.0] * 20 + [0.0] * 24 + [1.0] * 20)[None, :, None]  # 64 x 1
    low = frame_of(1, 64, 64).masks_to_low_res(mask)
    assert torch.equal(low[0, :, 0] > 0, torch.tensor([True] * 5 + [False] * 6 + [True] * 5))
