"""Pictures: they change where they should and nowhere else, and odd input does not break them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.drawing.curve import plot_curve, smoothed
from samtailor.drawing.overlay import comparison, contact_sheet, draw_overlay, save_png, upscaling
from samtailor.errors import ImageError, SamtailorError
from samtailor.prompts import Prompts

GREY = 120
CAPTIONS = ("one click", "base 0.31", "adapted 0.87")


def picture(height: int = 400, width: int = 500) -> np.ndarray:
    return np.full((height, width, 3), GREY, dtype=np.uint8)


def square(height: int, width: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((height, width), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=-1)


def test_a_mask_changes_itself_and_a_thin_rim_only() -> None:
    image, mask = picture(), square(400, 500, 100, 200, 60)
    difference = changed(image, draw_overlay(image, mask[None]))
    assert difference[mask].all()
    assert not difference[~square(400, 500, 98, 198, 64)].any()
    assert (image == GREY).all(), "the input must stay as it is"


def test_instances_get_colours_of_their_own() -> None:
    masks = np.stack([square(400, 500, 50, 50, 60), square(400, 500, 50, 250, 60)])
    drawn = draw_overlay(picture(), masks)
    assert tuple(drawn[80, 80]) != tuple(drawn[80, 280])
    blue, amber = drawn[80, 80].astype(int), drawn[80, 280].astype(int)
    assert blue[2] > blue[0] and amber[0] > amber[2], "RGB, not BGR"


def test_the_smaller_instance_lies_on_top() -> None:
    large, small = square(400, 500, 50, 50, 200), square(400, 500, 120, 120, 40)
    alone = draw_overlay(picture(), np.stack([large & False, small]))
    both = draw_overlay(picture(), np.stack([large, small]))
    assert tuple(both[140, 140]) == tuple(alone[140, 140])


@pytest.mark.parametrize("value", [0, 255])
def test_outlines_stand_out_from_black_and_white(value: int) -> None:
    image, mask = np.full((400, 500, 3), value, dtype=np.uint8), square(400, 500, 100, 100, 80)
    for drawn in (draw_overlay(image, mask[None]), draw_overlay(image, mask[None][:0], truth=mask)):
        across = drawn[140, 95:106].astype(int).sum(axis=-1)
        assert np.ptp(across) > 150


def test_small_images_grow_by_a_whole_factor_and_masks_stay_sharp() -> None:
    assert [upscaling(384, 100), upscaling(383, 100), upscaling(100, 128), upscaling(1, 1)] == [1, 2, 3, 384]
    mask = square(100, 128, 20, 30, 10)
    difference = changed(np.full((300, 384, 3), GREY, np.uint8), draw_overlay(picture(100, 128), mask[None]))
    assert difference.shape == (300, 384)
    assert difference[60:90, 90:120].all()
    assert not difference[~square(300, 384, 59, 89, 32)].any()


def test_nothing_to_draw_gives_the_picture_back() -> None:
    image = picture()
    for masks in (np.zeros((0, 400, 500), bool), np.zeros((3, 400, 500), bool), np.zeros((400, 500), bool)):
        drawn = draw_overlay(image, masks, points=np.zeros((0, 2)), boxes=np.zeros((0, 4)), truth=masks)
        assert np.array_equal(drawn, image)
        assert drawn is not image


def test_points_show_their_place_and_label() -> None:
    image, nothing = picture(), np.zeros((0, 400, 500), bool)
    points, labels = np.array([[100.5, 50.5], [300.5, 200.5], [400.5, 300.5]]), np.array([1, 0, -1])
    drawn = draw_overlay(image, nothing, points=points, labels=labels)
    rows, columns = np.nonzero(changed(image, drawn))
    assert {(round(y / 50), round(x / 50)) for y, x in zip(rows, columns, strict=True)} == {(1, 2), (4, 6)}
    green, red = drawn[47, 97].astype(int), drawn[197, 297].astype(int)
    assert green[1] > green[0] and red[0] > red[1]
    left = columns[columns < 200]
    assert abs((left.min() + left.max() + 1) / 2 - 100.5) <= 0.5


def test_a_box_is_drawn_around_its_inside_and_is_visible_at_the_border() -> None:
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
def test_strips_do_not_break(size: tuple[int, int]) -> None:
    mask = np.zeros(size, bool)
    mask.flat[100:200] = True
    x, y = (150.5, 0.5) if size[0] == 1 else (0.5, 150.5)
    prompt = Prompts(points=np.array([[[x, y]]]), labels=np.array([[1]]))
    drawn = draw_overlay(picture(*size), mask, points=np.array([[x, y]]))
    assert drawn.shape == (*size, 3) and changed(picture(*size), drawn).any()
    assert comparison(picture(*size), mask, mask, ~mask, prompt, CAPTIONS).shape[2] == 3


def test_comparison_shows_three_panels_with_captions() -> None:
    truth, base, adapted = (square(400, 500, 100, 100, side) for side in (80, 200, 84))
    prompt = Prompts(points=np.array([[[140.5, 140.5]]]), labels=np.array([[1]]))
    row = comparison(picture(), truth, base, adapted, prompt, CAPTIONS)
    assert row.shape[1] > 3 * 500 and row.shape[0] > 400
    tinted = [(p != GREY).any(axis=-1)[-400:].sum() for p in np.array_split(row, 3, axis=1)]
    assert tinted[1] > tinted[2] > tinted[0]
    top = row[: row.shape[0] - 420].min(axis=(0, 2))
    assert all((part < 100).any() for part in np.array_split(top, 3)), "a dark caption over each panel"


def test_comparison_shrinks_large_pictures_and_moves_the_prompt_along() -> None:
    truth = square(1000, 2000, 400, 800, 200)
    prompt = Prompts(points=np.array([[[900.0, 500.0]]]), labels=np.array([[1]]))
    row = comparison(picture(1000, 2000), truth, truth, truth, prompt, ("x" * 500, "b", "c"), panel=400)
    assert row.shape[1] < 3 * 400 + 4 * 20
    panel = row[-200 - 8 : -8, 8:408].astype(int)
    assert panel.shape == (200, 400, 3)
    marker = (panel[..., 1] - panel[..., 0] > 60).nonzero()
    assert abs(marker[0].mean() - 100) < 3 and abs(marker[1].mean() - 180) < 3


def test_contact_sheet_keeps_every_picture() -> None:
    parts = [np.full((h, w, 3), v, np.uint8) for h, w, v in ((20, 30, 10), (40, 10, 20), (5, 50, 30))]
    sheet = contact_sheet(parts, columns=2, gap=4)
    assert sheet.shape == (40 + 5 + 3 * 4, 50 + 10 + 3 * 4, 3)
    assert [(sheet == v).all(axis=-1).sum() for v in (10, 20, 30)] == [600, 400, 250]
    assert tuple(sheet[0, 0]) == (255, 255, 255)
    assert contact_sheet(parts).shape == (20 + 40 + 5 + 4 * 16, 50 + 2 * 16, 3)


def test_wrong_shapes_are_refused_with_both_sizes() -> None:
    with pytest.raises(ImageError, match=r"\(1, 10, 10\).*400 x 500"):
        draw_overlay(picture(), np.zeros((1, 10, 10), bool))
    with pytest.raises(ImageError, match="float64"):
        draw_overlay(picture().astype(float), np.zeros((0, 400, 500), bool))
    with pytest.raises(ImageError, match="2 captions"):
        comparison(picture(), *[np.zeros((400, 500), bool)] * 3, None, CAPTIONS[:2])
    with pytest.raises(ImageError, match="0 pictures"):
        contact_sheet([])


def test_png_holds_the_same_pixels_and_leaves_no_debris(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    target = tmp_path / "new" / "picture.png"
    save_png(target, array)
    save_png(target, array)
    assert np.array_equal(np.asarray(Image.open(target)), array)
    assert [p.name for p in target.parent.iterdir()] == ["picture.png"]
    (tmp_path / "file").touch()
    with pytest.raises(SamtailorError):
        save_png(tmp_path / "file" / "picture.png", array)


def test_smoothing_keeps_a_level_and_skips_what_is_not_finite() -> None:
    assert np.allclose(smoothed(np.full(7, 2.0), 3), 2.0)
    assert np.allclose(smoothed(np.array([1.0, np.nan, 3.0]), 3), [1.0, 2.0, 3.0])
    assert np.allclose(smoothed(np.array([0.0, 3.0, 6.0, 3.0]), 3), [1.5, 3.0, 4.0, 4.5])
    assert np.isnan(smoothed(np.array([np.nan]), 5)).all()
    assert smoothed(np.zeros(2), 9).shape == (2,)


TRAINING = [{"step": s, "seconds": s / 2, "loss": 1 / s, "lr": 1e-3, "grad_norm": 1.0} for s in range(1, 60)]
BASE_ROW = {"step": 0, "seconds": 0.0, "val_miou": 0.6, "val_iou_instances": 0.6, "val_n": 10}


@pytest.mark.parametrize(
    "metrics",
    [
        [],
        [BASE_ROW],
        TRAINING[:1],
        [*TRAINING, BASE_ROW, BASE_ROW | {"step": 50, "val_miou": 0.8}],
        [BASE_ROW | {"val_miou": None}, *TRAINING[:3], TRAINING[3] | {"loss": float("nan")}],
        [BASE_ROW | {"val_miou": 1.0}, TRAINING[0] | {"loss": 0.0, "lr": 0.0}],
    ],
    ids=["none", "base only", "one step", "usual", "not finite", "flat"],
)
def test_a_curve_is_drawn_from_whatever_there_is(metrics: list[dict[str, float]], tmp_path: Path) -> None:
    plot_curve(metrics, tmp_path / "curve.png")
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]
    drawn = np.asarray(Image.open(tmp_path / "curve.png").convert("RGB")).astype(int)
    height, width = drawn.shape[:2]
    assert min(height, width) > 400
    inside = drawn[height // 20 : height * 7 // 10, width // 10 : width * 9 // 10]
    blue = (inside[..., 2] - inside[..., 0] > 60).sum()
    assert (blue > 300) == any(r.get("val_miou") is not None for r in metrics), "validation line or base level"
