"""Overlays change the pixels that they should and no others, and unusual input works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.drawing.overlay import draw_overlay, save_png, shrink_mask, shrink_picture, shrunk_size, upscaling
from samtailor.errors import ImageError, SamtailorError
from tests.drawing.canvas import GREY, changed, picture, square


def test_a_mask_changes_only_its_pixels_and_a_thin_rim() -> None:
    image, mask = picture(), square(400, 500, 100, 200, 60)
    difference = changed(image, draw_overlay(image, mask[None]))
    assert difference[mask].all()
    assert not difference[~square(400, 500, 98, 198, 64)].any()
    assert (image == GREY).all(), "the input must stay as it is"


def test_each_instance_has_its_own_colour() -> None:
    masks = np.stack([square(400, 500, 50, 50, 60), square(400, 500, 50, 250, 60)])
    drawn = draw_overlay(picture(), masks)
    assert tuple(drawn[80, 80]) != tuple(drawn[80, 280])
    blue, amber = drawn[80, 80].astype(int), drawn[80, 280].astype(int)
    assert blue[2] > blue[0] and amber[0] > amber[2], "RGB, not BGR"


def test_the_smaller_instance_is_on_top() -> None:
    large, small = square(400, 500, 50, 50, 200), square(400, 500, 120, 120, 40)
    alone = draw_overlay(picture(), np.stack([large & False, small]))
    both = draw_overlay(picture(), np.stack([large, small]))
    assert tuple(both[140, 140]) == tuple(alone[140, 140])


@pytest.mark.parametrize("value", [0, 255])
def test_outlines_are_visible_on_black_and_on_white(value: int) -> None:
    image, mask = np.full((400, 500, 3), value, dtype=np.uint8), square(400, 500, 100, 100, 80)
    for drawn in (draw_overlay(image, mask[None]), draw_overlay(image, mask[None][:0], truth=mask)):
        across = drawn[140, 95:106].astype(int).sum(axis=-1)
        assert np.ptp(across) > 150


def test_small_images_are_enlarged_by_a_whole_factor_and_masks_stay_sharp() -> None:
    assert [upscaling(384, 100), upscaling(383, 100), upscaling(100, 128), upscaling(1, 1)] == [1, 2, 3, 384]
    mask = square(100, 128, 20, 30, 10)
    difference = changed(np.full((300, 384, 3), GREY, np.uint8), draw_overlay(picture(100, 128), mask[None]))
    assert difference.shape == (300, 384)
    assert difference[60:90, 90:120].all()
    assert not difference[~square(300, 384, 59, 89, 32)].any()


def test_without_masks_or_prompts_the_picture_is_unchanged() -> None:
    image = picture()
    for masks in (np.zeros((0, 400, 500), bool), np.zeros((3, 400, 500), bool), np.zeros((400, 500), bool)):
        drawn = draw_overlay(image, masks, points=np.zeros((0, 2)), boxes=np.zeros((0, 4)), truth=masks)
        assert np.array_equal(drawn, image)
        assert drawn is not image


def test_points_are_drawn_at_their_position_in_the_colour_of_their_label() -> None:
    image, nothing = picture(), np.zeros((0, 400, 500), bool)
    points, labels = np.array([[100.5, 50.5], [300.5, 200.5], [400.5, 300.5]]), np.array([1, 0, -1])
    drawn = draw_overlay(image, nothing, points=points, labels=labels)
    rows, columns = np.nonzero(changed(image, drawn))
    assert {(round(y / 50), round(x / 50)) for y, x in zip(rows, columns, strict=True)} == {(1, 2), (4, 6)}
    green, red = drawn[47, 97].astype(int), drawn[197, 297].astype(int)
    assert green[1] > green[0] and red[0] > red[1]
    left = columns[columns < 200]
    assert abs((left.min() + left.max() + 1) / 2 - 100.5) <= 0.5


def test_a_box_is_drawn_outside_its_area_and_is_visible_at_the_border() -> None:
    image, nothing = picture(), np.zeros((0, 400, 500), bool)
    inner = changed(image, draw_overlay(image, nothing, boxes=np.array([[100.0, 100.0, 200.0, 180.0]])))
    assert not inner[102:178, 102:198].any()
    assert inner[140, 96:101].any() and inner[140, 199:204].any()
    whole = changed(image, draw_overlay(image, nothing, boxes=np.array([[0.0, 0.0, 500.0, 400.0]])))
    assert whole[:, 0].all() and whole[-1].all() and not whole[5:-5, 5:-5].any()


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    n=st.integers(0, 3),
    at=st.tuples(st.floats(-20, 80), st.floats(-20, 80)),
)
def test_any_small_picture_can_be_drawn(height: int, width: int, n: int, at: tuple[float, float]) -> None:
    masks = np.random.default_rng(height * 61 + width).random((n, height, width)) > 0.5
    box = np.array([[at[0], at[1], at[0] + 5, at[1] + 5]])
    drawn = draw_overlay(picture(height, width), masks, points=np.array([at]), boxes=box, truth=masks)
    factor = upscaling(height, width)
    assert drawn.shape == (height * factor, width * factor, 3) and drawn.dtype == np.uint8


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1)])
def test_pictures_one_pixel_high_or_wide(size: tuple[int, int]) -> None:
    mask = np.zeros(size, bool)
    mask.flat[100:200] = True
    x, y = (150.5, 0.5) if size[0] == 1 else (0.5, 150.5)
    drawn = draw_overlay(picture(*size), mask, points=np.array([[x, y]]))
    assert drawn.shape == (*size, 3) and changed(picture(*size), drawn).any()


def test_wrong_shapes_are_refused_and_both_sizes_are_named() -> None:
    with pytest.raises(ImageError, match=r"\(1, 10, 10\).*400 x 500"):
        draw_overlay(picture(), np.zeros((1, 10, 10), bool))
    with pytest.raises(ImageError, match="float64"):
        draw_overlay(picture().astype(float), np.zeros((0, 400, 500), bool))


def test_a_png_has_the_same_pixels_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    target = tmp_path / "new" / "picture.png"
    save_png(target, array)
    save_png(target, array)
    assert np.array_equal(np.asarray(Image.open(target)), array)
    assert [p.name for p in target.parent.iterdir()] == ["picture.png"]
    (tmp_path / "file").touch()
    with pytest.raises(SamtailorError):
        save_png(tmp_path / "file" / "picture.png", array)


def test_large_pictures_are_shrunk_for_the_screen() -> None:
    assert [shrunk_size(9000, 12000), shrunk_size(1600, 20), shrunk_size(1, 200_000)] == [
        (1200, 1600),
        (1600, 20),
        (1, 1600),
    ]
    image = np.random.default_rng(0).integers(0, 256, (800, 400, 3), dtype=np.uint8)
    small = shrink_picture(image, 400)
    blocks = image.reshape(400, 2, 200, 2, 3).mean(axis=(1, 3))
    assert small.shape == (400, 200, 3) and np.abs(small - blocks).max() <= 1
    assert shrink_picture(image, 800) is image


def test_shrunk_masks_keep_their_place_and_thin_objects_stay_visible() -> None:
    mask = square(800, 400, 100, 200, 60)
    assert np.array_equal(shrink_mask(mask, 400), square(400, 200, 50, 100, 30))
    quarter, most = np.zeros((2, 800, 400), bool)
    quarter[::2, ::2] = quarter[0, 1] = True
    most[::2, ::2] = most[1::2, 1::2] = most[1::2, ::2] = True
    assert np.argwhere(shrink_mask(quarter, 400)).tolist() == [[0, 0]]
    assert shrink_mask(most, 400).all()
    assert shrink_mask(mask, 800) is mask
    line = np.zeros((800, 400), bool)
    line[:, 7] = True
    assert np.flatnonzero(shrink_mask(line, 200).any(axis=0)).tolist() == [1]
    assert not shrink_mask(line & False, 200).any()
    sliced = np.zeros((800, 800), bool)[:, ::2]
    assert shrink_mask(sliced, 100).shape == (100, 50)
