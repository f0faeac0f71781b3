"""Contours of masks: points at equal distances along the outer boundary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from samtailor.adapters.pmm.contours import contour, jitter_contour

SIDE = 64
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(COLUMNS - x, ROWS - y) < radius


def contour_of(mask: np.ndarray, points: int = 64) -> np.ndarray:
    line = contour(mask, points)
    assert line is not None and line.shape == (points, 2) and line.dtype == np.float32
    return line


def area(line: np.ndarray) -> float:
    """Return the signed area (shoelace formula); positive if clockwise on a screen, where y points down."""
    (x, y), (u, v) = line.T, np.roll(line, -1, axis=0).T
    return float((x * v - u * y).sum() / 2)


def steps(line: np.ndarray) -> np.ndarray:
    return np.hypot(*(np.roll(line, -1, axis=0) - line).T)


def blobs(seed: int) -> np.ndarray:
    """Return a mask of smooth shapes with holes, often cut by the border."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(4, SIDE, 2)
    noise = ndimage.gaussian_filter(rng.normal(size=(height, width)), rng.uniform(0.5, 6))
    return noise > np.quantile(noise, rng.uniform(0.05, 0.95))


def test_the_contour_of_a_disc_is_a_circle() -> None:
    line = contour_of(disc(30.2, 25.7, 14.0))
    assert np.abs(np.hypot(*(line - (30.2, 25.7)).T) - 14).max() < 0.8  # a pixel's half diagonal
    assert area(line) == pytest.approx(np.pi * 14**2, rel=0.03)
    assert np.abs(line.mean(0) - (30.2, 25.7)).max() < 0.3


def test_the_contour_of_a_star_follows_its_tips() -> None:
    angle, radius = np.arctan2(ROWS - 32, COLUMNS - 32), np.hypot(COLUMNS - 32, ROWS - 32)
    mask = radius < 18 + 8 * np.cos(5 * angle)
    line = contour_of(mask, 256)
    reach = np.hypot(*(line - 32).T)
    expected = 18 + 8 * np.cos(5 * np.arctan2(*(line - 32).T[::-1]))
    assert np.abs(reach - expected).mean() < 0.6
    assert np.abs(area(line) / mask.sum() - 1) < 0.02
    tips = (reach > np.roll(reach, 6)) & (reach > np.roll(reach, -6)) & (reach > 24)
    assert ndimage.label(np.roll(tips, 30))[1] == 5


def test_a_square_has_straight_sides_half_way_between_pixels() -> None:
    mask = np.zeros((16, 16), bool)
    mask[3:9, 4:12] = True
    line = contour_of(mask, 100)
    assert (line.min(0) == (4, 3)).all() and (line.max(0) == (12, 9)).all()


def test_a_mask_cut_by_the_border_has_the_border_in_its_contour() -> None:
    line = contour_of(disc(0.0, 30.0, 12.0), 200)
    assert line.min() >= 0
    on_border = line[line[:, 0] == 0]
    assert len(on_border) > 50 and np.ptp(on_border[:, 1]) > 21
    full = contour_of(np.ones((8, 12), bool), 200)
    assert (full.min(0) == 0).all() and (full.max(0) == (12, 8)).all()


def test_an_empty_mask_has_no_contour() -> None:
    assert contour(np.zeros((8, 8), bool), 16) is None


def test_holes_and_other_components_are_ignored() -> None:
    whole = disc(30, 30, 20)
    pierced = whole & ~disc(34, 30, 12)
    assert np.array_equal(contour_of(pierced), contour_of(whole))
    assert np.array_equal(contour_of(pierced | disc(58, 58, 4)), contour_of(whole))
    assert np.array_equal(contour_of(pierced | disc(34, 30, 9)), contour_of(whole))  # smaller than the ring around it


@pytest.mark.parametrize("rows", [slice(5, 6), slice(0, 16)], ids=["pixel", "line"])
def test_thin_masks_have_a_contour(rows: slice) -> None:
    mask = np.zeros((16, 16), bool)
    mask[rows, 7] = True
    line = contour_of(mask)
    assert np.abs(line[:, 0] - 7.5).max() == 0.5
    assert area(line) > 0 and np.allclose(steps(line), steps(line)[0], rtol=0.6)


def test_pixels_that_touch_at_a_corner_are_not_connected() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:4, 1:4] = mask[4:8, 4:8] = True
    line = contour_of(mask)
    assert line.min() == 4


@given(st.integers(0, 10**6), st.sampled_from([16, 64, 128]))
def test_points_are_equally_spaced_clockwise_around_the_largest_component(seed: int, points: int) -> None:
    """Compare with a finer contour, of which the points are a subset, and with the area of the filled component."""
    mask = blobs(seed)
    line, finer = contour_of(mask, points), contour_of(mask, 512 * points)
    assert np.abs(finer[::512] - line).max() < 1e-4
    around = steps(finer.astype(np.float64))
    assert np.median(around) == pytest.approx(around.max(), rel=0.02)  # steps are shorter only around a corner
    walked = around.reshape(points, 512).sum(1)
    assert walked == pytest.approx(np.full(points, walked.mean()), rel=0.02, abs=1e-3)

    labels, count = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
    filled = [ndimage.binary_fill_holes(labels == k + 1).sum() for k in range(count) if sizes[k] == sizes.max()]
    inside = area(finer.astype(np.float64))
    # marching squares cuts an eighth shift each corner pixel
    assert any(0 < inside <= size + 0.01 and inside >= 0.45 * size for size in filled)
    assert (line >= 0).all() and (line <= mask.shape[::-1]).all()


@given(st.integers(0, 10**6))
def test_the_contour_moves_with_the_mask(seed: int) -> None:
    mask = blobs(seed)
    moved = np.pad(mask, ((3, 0), (5, 2)))
    assert np.abs(contour_of(moved) - contour_of(mask) - (5, 3)).max() < 1e-4


@given(st.integers(0, 10**6), st.floats(0, 0.5))
def test_jitter_is_smooth_stays_in_the_image_and_grows_with_its_amount(seed: int, amount: float) -> None:
    line, size = contour_of(disc(25, 30, 15)), (40, 50)
    jittered = jitter_contour(line, np.random.default_rng(seed), amount, size)
    assert jittered.shape == line.shape and jittered.dtype == np.float32
    assert (jittered >= 0).all() and (jittered <= size).all()
    repeated = jitter_contour(line, np.random.default_rng(seed), amount, size)
    assert np.array_equal(jittered, repeated)
    shift = jitter_contour(line, np.random.default_rng(seed), amount, (10**4, 10**4)) - line
    extent = np.ptp(line, axis=0).max()
    assert np.hypot(*shift.T).max() <= 8 * amount * extent + 1e-4
    if amount > 0.01:
        assert np.hypot(*shift.T).max() > 1e-3 * amount * extent
        bend = np.hypot(*(np.roll(shift, -1, axis=0) - shift).T)
        assert bend.max() < amount * extent  # neighbours move by similar amounts
