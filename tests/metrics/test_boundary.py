"""Boundary scores and intervals against independent implementations (MONAI, scipy, brute force)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from scipy import ndimage

from samtailor.metrics import (
    boundary_counts,
    boundary_of,
    count_edges,
    count_pixels,
    dice,
    edge_distances,
    edge_f1,
    hausdorff95,
    iou,
)
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.metrics.scores import score_mask

Mask = np.ndarray
Difference = Callable[[np.ndarray, np.ndarray], float]
pairs = st.tuples(st.integers(1, 16), st.integers(1, 16)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def blob(rng: np.random.Generator, size: int) -> Mask:
    """A smooth random shape, often with holes, several parts and pixels at the border."""
    noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), size / 12, mode="wrap")
    return np.asarray(noise > np.quantile(noise, rng.uniform(0.3, 0.95)))


def special_cases() -> dict[str, tuple[Mask, Mask]]:
    empty, full = np.zeros((40, 30), dtype=bool), np.ones((40, 30), dtype=bool)
    dot, line, ring = empty.copy(), empty.copy(), empty.copy()
    dot[7, 9] = line[:, 4] = True
    ring[5:30, 5:25] = True
    ring[10:20, 10:20] = False
    corner = empty.copy()
    corner[:3, :3] = corner[-1, -1] = True
    return {
        "equal": (ring, ring),
        "dot and line": (dot, line),
        "ring and full": (ring, full),
        "line and corner": (line, corner),
        "full and dot": (full, dot),
        "one row": (np.ones((1, 50), dtype=bool), np.eye(1, 50, 7, dtype=bool)),
    }


def random_pairs() -> list[tuple[Mask, Mask]]:
    rng = np.random.default_rng(0)
    return [(blob(rng, 64), blob(rng, 64)) for _ in range(40)]


ALL = [*special_cases().values(), *random_pairs()]


def monai(compute: Callable[..., torch.Tensor], a: Mask, b: Mask, **options: object) -> float:
    predicted, truth = (torch.from_numpy(m)[None, None].float() for m in (a, b))
    return float(compute(y_pred=predicted, y=truth, include_background=True, **options))


def region_by_erosion(mask: Mask, width: int) -> Mask:
    """The definition of Cheng et al.: the mask minus its erosion; the border counts as background."""
    padded = np.pad(mask, 1)
    eroded = ndimage.binary_erosion(padded, structure=np.ones((3, 3)), iterations=width)[1:-1, 1:-1]
    return np.asarray(mask & ~eroded)


def _distances(a: Mask, b: Mask) -> tuple[np.ndarray, np.ndarray]:
    return edge_distances(boundary_of(a), boundary_of(b))


def _hausdorff(a: Mask, b: Mask) -> float:
    compute = pytest.importorskip("monai.metrics").compute_hausdorff_distance
    return abs(hausdorff95(_distances(a, b), math.hypot(*a.shape)) - monai(compute, a, b, percentile=95))


def _surface_dice(tolerance: int) -> Difference:
    """MONAI's surface Dice adds the near edge pixels of both masks; our F1 is the harmonic mean of their shares."""
    compute = pytest.importorskip("monai.metrics").compute_surface_dice

    def difference(a: Mask, b: Mask) -> float:
        c = count_edges(_distances(a, b), tolerance)
        ours = (c.predicted_near + c.truth_near) / (c.predicted + c.truth)
        return abs(ours - monai(compute, a, b, class_thresholds=[float(tolerance)]))

    return difference


def _dice(a: Mask, b: Mask) -> float:
    return abs(dice(count_pixels(a, b)) - monai(pytest.importorskip("monai.metrics").compute_dice, a, b))


def _boundary_iou(share: float) -> Difference:
    def difference(a: Mask, b: Mask) -> float:
        width = max(1, round(share * math.hypot(*a.shape)))
        expected = iou(count_pixels(region_by_erosion(a, width), region_by_erosion(b, width)))
        return abs(expected - iou(boundary_counts(boundary_of(a, share), boundary_of(b, share))))

    return difference


def _iou(a: Mask, b: Mask) -> float:
    rles = [coco_mask.encode(np.asfortranarray(m.astype(np.uint8))) for m in (a, b)]
    return abs(iou(count_pixels(a, b)) - float(coco_mask.iou([rles[0]], [rles[1]], [0])[0, 0]))


def _f1(tolerance: int) -> Difference:
    """All pairs of edge pixels, edges by scipy's erosion."""

    def difference(a: Mask, b: Mask) -> float:
        edges = [np.argwhere(m & ~ndimage.binary_erosion(m)) for m in (a, b)]
        gaps = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=-1)
        p, r = (gaps.min(1) <= tolerance).mean(), (gaps.min(0) <= tolerance).mean()
        expected = 2 * p * r / (p + r) if p * r else 0.0
        return abs(edge_f1(count_edges(_distances(a, b), tolerance)) - expected)

    return difference


AGREEMENT: dict[str, tuple[str, Callable[[], Difference], float]] = {
    "IoU": ("pycocotools", lambda: _iou, 1e-12),
    "Dice": ("MONAI", lambda: _dice, 1e-6),
    "boundary IoU, 2 %": ("scipy's erosion, iterated", lambda: _boundary_iou(0.02), 0),
    "boundary IoU, 10 %": ("scipy's erosion, iterated", lambda: _boundary_iou(0.1), 0),
    "near edges, 1 px (surface Dice)": ("MONAI", lambda: _surface_dice(1), 1e-6),
    "near edges, 3 px (surface Dice)": ("MONAI", lambda: _surface_dice(3), 1e-6),
    "boundary F1, 1 px": ("all pairs, scipy's edges", lambda: _f1(1), 1e-12),
    "boundary F1, 3 px": ("all pairs, scipy's edges", lambda: _f1(3), 1e-12),
    "HD95, px": ("MONAI", lambda: _hausdorff, 1e-4),
}
"""Score -> (reference implementation, the absolute difference on a pair of masks, the largest difference allowed)."""


@pytest.mark.parametrize("name", AGREEMENT)
def test_agrees_with_an_independent_implementation(name: str) -> None:
    _, difference, allowed = AGREEMENT[name]
    compare = difference()
    assert max(compare(a, b) for a, b in ALL) <= allowed


@given(pairs)
@settings(deadline=None)
def test_f1_agrees_with_brute_force(pair: tuple[Mask, Mask]) -> None:
    a, b = pair
    edges = [np.argwhere(m & ~ndimage.binary_erosion(m)) for m in pair]
    counts = count_edges(edge_distances(boundary_of(a), boundary_of(b)), 2)
    assert (counts.predicted, counts.truth) == (len(edges[0]), len(edges[1]))
    if not len(edges[0]) or not len(edges[1]):
        assert edge_f1(counts) == float(len(edges[0]) == len(edges[1]))
        return
    gaps = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=-1)
    p, r = (gaps.min(1) <= 2).mean(), (gaps.min(0) <= 2).mean()
    assert edge_f1(counts) == pytest.approx(2 * p * r / (p + r) if p * r else 0.0)


@given(pairs)
@settings(deadline=None)
def test_scores_are_symmetric_and_in_range(pair: tuple[Mask, Mask]) -> None:
    a, b = pair
    scores, swapped = score_mask(a, b, boundary_of(b)), score_mask(b, a, boundary_of(a))
    assert scores == swapped
    assert 0 <= scores.boundary_iou <= 1
    assert score_mask(a, a, boundary_of(a)).hd95 == 0


def test_empty_masks() -> None:
    empty, some = np.zeros((30, 40), dtype=bool), np.zeros((30, 40), dtype=bool)
    some[3:9, 3:9] = True
    both = score_mask(empty, empty, boundary_of(empty))
    assert (both.iou, both.dice, both.boundary_iou, both.boundary_f1, both.hd95) == (1, 1, 1, (1, 1), 0)
    for predicted, truth in ((empty, some), (some, empty)):
        scores = score_mask(predicted, truth, boundary_of(truth))
        assert (scores.iou, scores.dice, scores.boundary_iou, scores.boundary_f1, scores.hd95) == (0, 0, 0, (0, 0), 50)


def test_intervals_resample_images_not_instances() -> None:
    """A hundred equal instances of one image count as one: the interval is that of the means per image."""
    rng = np.random.default_rng(1)
    level = rng.normal(size=30)
    values, images = np.repeat(level, 100), np.repeat([f"{i}.png" for i in range(30)], 100)
    estimate = Estimate.of(Resampler(images, repeats=4000).mean(values))
    half_width = 1.96 * level.std() / math.sqrt(30)
    assert estimate.value == pytest.approx(level.mean())
    assert (estimate.high - estimate.low) / 2 == pytest.approx(half_width, rel=0.1)


def test_the_statistics_by_hand() -> None:
    images, labels = ["a", "a", "b", "c"], ["x", "y", "x", "x"]
    values = np.array([1.0, 0.0, 0.5, 0.0])
    resampler = Resampler(images, repeats=200)
    assert resampler.mean(values)[0] == pytest.approx(0.375)
    assert resampler.mean_over_classes(values, labels)[0] == pytest.approx((0.5 + 0.0) / 2)
    assert resampler.quantile(values, 0.5)[0] == 0.0
    assert resampler.quantile(values, 0.51)[0] == 0.5
    for replicates in (resampler.mean(values), resampler.mean_over_classes(values, labels)):
        assert replicates.shape == (201,)
        assert np.isfinite(replicates).all()  # a class missing from a resample does not make the mean NaN


def test_quantiles_of_resamples_equal_numpy_on_the_drawn_images() -> None:
    rng = np.random.default_rng(2)
    images = [f"{i // 3}" for i in range(30)]
    values = rng.normal(size=30)
    resampler = Resampler(images, repeats=50, seed=3)
    quantiles = resampler.quantile(values, 0.1)
    for quantile, weights in zip(quantiles, resampler._weights, strict=True):
        drawn = np.repeat(values, weights[resampler._image].astype(int))
        assert quantile == np.quantile(drawn, 0.1, method="inverted_cdf")
