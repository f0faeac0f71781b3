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
pairs = st.tuples(st.integers(1, 16), st.integers(1, 16)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def blob(rng: np.random.Generator, size: int) -> Mask:
    """A smooth random shape, often with holes, parts and pixels at the border."""
    noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), size / 12, mode="wrap")
    return np.asarray(noise > np.quantile(noise, rng.uniform(0.3, 0.95)))


def nasty() -> dict[str, tuple[Mask, Mask]]:
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


ALL = [*nasty().values(), *random_pairs()]


def monai(compute: Callable[..., torch.Tensor], a: Mask, b: Mask, **options: object) -> float:
    one, two = (torch.from_numpy(m)[None, None].float() for m in (a, b))
    return float(compute(y_pred=one, y=two, include_background=True, **options))


def test_hausdorff_agrees_with_monai() -> None:
    compute = pytest.importorskip("monai.metrics").compute_hausdorff_distance
    worst = 0.0
    for a, b in ALL:
        ours = hausdorff95(edge_distances(boundary_of(a), boundary_of(b)), math.hypot(*a.shape))
        worst = max(worst, abs(ours - monai(compute, a, b, percentile=95)))
    assert worst < 1e-4, worst


def test_edges_near_agree_with_monai() -> None:
    """MONAI's surface Dice sums both sides' near edge pixels; ours takes the harmonic mean of their shares."""
    compute = pytest.importorskip("monai.metrics").compute_surface_dice
    worst = 0.0
    for tolerance in (1, 3):
        for a, b in ALL:
            c = count_edges(edge_distances(boundary_of(a), boundary_of(b)), tolerance)
            ours = (c.predicted_near + c.truth_near) / (c.predicted + c.truth)
            worst = max(worst, abs(ours - monai(compute, a, b, class_thresholds=[float(tolerance)])))
    assert worst < 1e-6, worst


def test_dice_agrees_with_monai() -> None:
    compute = pytest.importorskip("monai.metrics").compute_dice
    assert max(abs(dice(count_pixels(a, b)) - monai(compute, a, b)) for a, b in ALL) < 1e-6


def region_by_erosion(mask: Mask, width: int) -> Mask:
    """The definition of Cheng et al.: the mask less its erosion, the border counting as background."""
    padded = np.pad(mask, 1)
    eroded = ndimage.binary_erosion(padded, structure=np.ones((3, 3)), iterations=width)[1:-1, 1:-1]
    return np.asarray(mask & ~eroded)


def test_boundary_iou_agrees_with_iterated_erosion() -> None:
    for a, b in ALL:
        for share in (0.02, 0.1):
            width = max(1, round(share * math.hypot(*a.shape)))
            expected = iou(count_pixels(region_by_erosion(a, width), region_by_erosion(b, width)))
            assert iou(boundary_counts(boundary_of(a, share), boundary_of(b, share))) == expected


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
def test_scores_do_not_depend_on_the_side_or_on_an_empty_margin(pair: tuple[Mask, Mask]) -> None:
    a, b = pair
    one, other = score_mask(a, b, boundary_of(b)), score_mask(b, a, boundary_of(a))
    assert one == other
    assert 0 <= one.boundary_iou <= 1
    assert score_mask(a, a, boundary_of(a)).hd95 == 0


def test_empty_masks() -> None:
    empty, some = np.zeros((30, 40), dtype=bool), np.zeros((30, 40), dtype=bool)
    some[3:9, 3:9] = True
    both = score_mask(empty, empty, boundary_of(empty))
    assert (both.iou, both.dice, both.boundary_iou, both.boundary_f1, both.hd95) == (1, 1, 1, (1, 1), 0)
    for one, other in ((empty, some), (some, empty)):
        found = score_mask(one, other, boundary_of(other))
        assert (found.iou, found.dice, found.boundary_iou, found.boundary_f1, found.hd95) == (0, 0, 0, (0, 0), 50)


def test_intervals_resample_images_not_instances() -> None:
    """A hundred instances of one image are one piece of evidence: the interval is that of the images' means."""
    rng = np.random.default_rng(1)
    level = rng.normal(size=30)
    values, images = np.repeat(level, 100), np.repeat([f"{i}.png" for i in range(30)], 100)
    found = Estimate.of(Resampler(images, repeats=4000).mean(values))
    theirs = 1.96 * level.std() / math.sqrt(30)
    assert found.value == pytest.approx(level.mean())
    assert (found.high - found.low) / 2 == pytest.approx(theirs, rel=0.1)


def test_the_statistics_by_hand() -> None:
    images, labels = ["a", "a", "b", "c"], ["x", "y", "x", "x"]
    values = np.array([1.0, 0.0, 0.5, 0.0])
    resampler = Resampler(images, repeats=200)
    assert resampler.mean(values)[0] == pytest.approx(0.375)
    assert resampler.mean_over_classes(values, labels)[0] == pytest.approx((0.5 + 0.0) / 2)
    assert resampler.quantile(values, 0.5)[0] == 0.0
    assert resampler.quantile(values, 0.51)[0] == 0.5
    for replicates in (resampler.mean(values), resampler.mean_over_classes(values, labels)):
        assert np.isfinite(replicates).all() or np.isfinite(replicates[0])


def test_a_quantile_of_resamples_equals_numpy_on_the_drawn_images() -> None:
    rng = np.random.default_rng(2)
    images = [f"{i // 3}" for i in range(30)]
    values = rng.normal(size=30)
    resampler = Resampler(images, repeats=50, seed=3)
    found = resampler.quantile(values, 0.1)
    for row, weights in zip(found, resampler._weights, strict=True):
        drawn = np.repeat(values, weights[resampler._image].astype(int))
        assert row == np.quantile(drawn, 0.1, method="inverted_cdf")
