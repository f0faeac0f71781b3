"""Frames: every conversion compared with its inverse and with SAM's own arithmetic."""

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
    """Return SAM's frame."""
    return padded_frame(width, height, input_size, input_size // 4)


@given(sizes, sizes, st.sampled_from([64, 1024]))
def test_the_longer_side_of_an_image_fills_the_square(width: int, height: int, side: int) -> None:
    w, h = frame_of(width, height, side).resized
    assert max(w, h) == side
    assert min(w, h) >= 1


@given(sizes, sizes, st.floats(0, 1), st.floats(0, 1))
def test_points_to_image_inverts_points_to_input(width: int, height: int, x: float, y: float) -> None:
    frame = frame_of(width, height, 1024)
    point = torch.tensor([[x * width, y * height]], dtype=torch.float64)
    in_input = frame.points_to_input(point)
    assert (in_input <= torch.tensor(frame.resized) + 1e-6).all()
    torch.testing.assert_close(frame.points_to_image(in_input), point)


@given(st.integers(8, 80), st.integers(8, 80))
def test_boxes_are_converted_like_their_corners(width: int, height: int) -> None:
    frame = frame_of(width, height, 64)
    box = torch.tensor([[1.0, 2.0, width - 1.5, height - 0.5]])
    corners = frame.points_to_input(box.reshape(2, 2)).reshape(1, 4)
    torch.testing.assert_close(frame.boxes_to_input(box), corners)


def test_the_corner_of_the_image_is_the_corner_of_the_resized_image() -> None:
    frame = frame_of(300, 200, 1024)
    torch.testing.assert_close(frame.points_to_input(torch.tensor([300.0, 200.0])), torch.tensor([1024.0, 683.0]))


def test_a_large_mask_is_nearly_unchanged_by_low_res_and_back() -> None:
    frame = frame_of(300, 200, 1024)
    mask = torch.zeros(1, 200, 300)
    mask[:, 50:150, 100:260] = 1
    low = frame.masks_to_low_res(mask)
    assert low.min() >= 0
    assert low.max() <= 1.0001
    restored = frame.logits_to_image(low[:, None] - 0.5)[:, 0] > 0
    iou = (restored & (mask > 0)).sum() / (restored | (mask > 0)).sum()
    assert iou > 0.97


@given(st.integers(1, 300), st.integers(1, 300))
def test_low_res_coverage_keeps_the_area(width: int, height: int) -> None:
    """The summed coverage of a full mask is the area of the resized image in low-res pixels."""
    frame = frame_of(width, height, 64)
    low = frame.masks_to_low_res(torch.ones(1, height, width))
    w, h = frame.resized
    torch.testing.assert_close(low.sum(), torch.tensor(w * h / 16.0), rtol=1e-4, atol=1e-3)
    assert frame.valid_low_res().any()


def test_an_image_of_one_row_keeps_a_row() -> None:
    frame = frame_of(4000, 1, 1024)
    assert frame.resized == (1024, 1)
    assert frame.logits_to_image(torch.ones(2, 1, 256, 256)).shape == (2, 1, 1, 4000)
    assert frame.valid_low_res().sum() == 256


def test_logits_to_image_equals_sams_postprocessing() -> None:
    logits = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    frame = frame_of(411, 300, 1024)
    square = F.interpolate(logits, (1024, 1024), mode="bilinear", align_corners=False)
    expected = F.interpolate(square[..., :747, :1024], (300, 411), mode="bilinear", align_corners=False)
    assert torch.equal(frame.logits_to_image(logits), expected)


@given(st.integers(2, 600), st.integers(2, 600))
def test_low_res_masks_equal_resizing_and_averaging(width: int, height: int) -> None:
    """masks_to_low_res uses matrix products along rows and columns instead."""
    frame = frame_of(width, height, 64)
    assume(min(frame.resized) > 1)  # PyTorch 2.14 resizes wrongly to a width of one pixel
    masks = torch.rand(3, height, width, generator=torch.Generator().manual_seed(width)) > 0.5
    masks[1, : height // 2] = masks[1, :, width // 2 :] = False  # only a corner is left
    masks[2] = False
    w, h = frame.resized
    resized = F.interpolate(masks[:, None].float(), (h, w), mode="bilinear", antialias=True)
    expected = F.adaptive_avg_pool2d(F.pad(resized, (0, 64 - w, 0, 64 - h)), 16)[:, 0]
    torch.testing.assert_close(frame.masks_to_low_res(masks), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1388, 1040), (1333, 1000), (512, 512), (333, 500)])
def test_a_fully_covered_low_res_pixel_is_exactly_one(width: int, height: int) -> None:
    """With values slightly below 1, cell sampling would take the inside of a mask for its boundary."""
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
