"""Captioned panels side by side, and sheets of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from samtailor.drawing.compare import comparison, contact_sheet
from samtailor.errors import ImageError
from samtailor.prompts import Prompts
from tests.drawing.canvas import GREY, picture, square

CAPTIONS = ("one click", "base 0.31", "adapted 0.87")


def test_comparison_shows_three_panels_with_captions() -> None:
    truth, base, adapted = (square(400, 500, 100, 100, side) for side in (80, 200, 84))
    prompt = Prompts(points=np.array([[[140.5, 140.5]]]), labels=np.array([[1]]))
    row = comparison(picture(), truth, base, adapted, prompt, CAPTIONS)
    assert row.shape[1] > 3 * 500 and row.shape[0] > 400
    tinted = [(p != GREY).any(axis=-1)[-400:].sum() for p in np.array_split(row, 3, axis=1)]
    assert tinted[1] > tinted[2] > tinted[0]
    top = row[: row.shape[0] - 420].min(axis=(0, 2))
    assert all((part < 100).any() for part in np.array_split(top, 3)), "a dark caption over each panel"


def test_comparison_shrinks_large_pictures_and_their_prompts() -> None:
    truth = square(1000, 2000, 400, 800, 200)
    prompt = Prompts(points=np.array([[[900.0, 500.0]]]), labels=np.array([[1]]))
    row = comparison(picture(1000, 2000), truth, truth, truth, prompt, ("x" * 500, "b", "c"), panel=400)
    assert row.shape[1] < 3 * 400 + 4 * 20
    panel = row[-200 - 8 : -8, 8:408].astype(int)
    assert panel.shape == (200, 400, 3)
    marker = (panel[..., 1] - panel[..., 0] > 60).nonzero()
    assert abs(marker[0].mean() - 100) < 3 and abs(marker[1].mean() - 180) < 3


def test_contact_sheet_shows_every_picture_unchanged() -> None:
    parts = [np.full((h, w, 3), v, np.uint8) for h, w, v in ((20, 30, 10), (40, 10, 20), (5, 50, 30))]
    sheet = contact_sheet(parts, columns=2, gap=4)
    assert sheet.shape == (40 + 5 + 3 * 4, 50 + 10 + 3 * 4, 3)
    assert [(sheet == v).all(axis=-1).sum() for v in (10, 20, 30)] == [600, 400, 250]
    assert tuple(sheet[0, 0]) == (255, 255, 255)
    assert contact_sheet(parts).shape == (20 + 40 + 5 + 4 * 16, 50 + 2 * 16, 3)


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1)])
def test_pictures_one_pixel_high_or_wide(size: tuple[int, int]) -> None:
    mask = np.zeros(size, bool)
    mask.flat[100:200] = True
    x, y = (150.5, 0.5) if size[0] == 1 else (0.5, 150.5)
    prompt = Prompts(points=np.array([[[x, y]]]), labels=np.array([[1]]))
    assert comparison(picture(*size), mask, mask, ~mask, prompt, CAPTIONS).shape[2] == 3


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ImageError, match="2 captions"):
        comparison(picture(), *[np.zeros((400, 500), bool)] * 3, None, CAPTIONS[:2])
    with pytest.raises(ImageError, match="0 pictures"):
        contact_sheet([])
