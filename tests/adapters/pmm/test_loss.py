"""The cyclic matching loss is the minimum over all shifts; the others look at the nearest points."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.pmm.contours import contour
from samtailor.adapters.pmm.loss import MATCHES, chamfer_loss, normal_loss, point_matching_loss


def pair(seed: int, points: int = 12, spread: float = 5.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    predicted, truth = (spread * torch.randn(3, points, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    return predicted, truth


@given(st.integers(0, 10**6), st.integers(1, 11), st.integers(0, 11))
def test_the_first_point_of_a_contour_does_not_matter(seed: int, first: int, second: int) -> None:
    predicted, truth = pair(seed)
    plain = point_matching_loss(predicted, truth)
    torch.testing.assert_close(point_matching_loss(predicted.roll(first, 1), truth.roll(second, 1)), plain)


@given(st.integers(0, 10**6), st.integers(0, 11))
def test_the_loss_is_zero_only_for_equal_contours(seed: int, shift: int) -> None:
    line, different = pair(seed)
    assert (point_matching_loss(line, line.roll(shift, 1)) == 0).all()
    assert (point_matching_loss(line, different) > 0).all()


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 7, 16]), st.sampled_from([0.1, 5.0]))
def test_the_loss_is_the_minimum_over_all_shifts(seed: int, points: int, spread: float) -> None:
    predicted, truth = pair(seed, points, spread)
    losses = point_matching_loss(predicted, truth)
    for row in range(3):
        means = [F.smooth_l1_loss(predicted[row], truth[row].roll(s, 0)) for s in range(points)]
        assert float(losses[row]) == pytest.approx(float(min(means)))


def test_the_gradient_is_correct() -> None:
    predicted, truth = pair(0)
    assert torch.autograd.gradcheck(lambda p: point_matching_loss(p, truth), predicted.requires_grad_())
    point_matching_loss(predicted, truth).sum().backward()
    assert predicted.grad is not None and predicted.grad.abs().amax((1, 2)).min() > 0


def test_the_loss_of_a_moved_circle_is_its_distance() -> None:
    """The smooth L1 distances of 3 pixels along x and 0 along y are 2.5 and 0; the loss is their mean."""
    rows, columns = np.mgrid[:64, :64]
    lines = [contour((columns - x) ** 2 + (rows - 30) ** 2 < 200, 64) for x in (25, 28)]
    circle, moved = (torch.from_numpy(line)[None] for line in lines if line is not None)
    assert float(point_matching_loss(circle, moved.roll(20, 1))) == pytest.approx(1.25, abs=0.05)


@pytest.mark.parametrize("name", MATCHES)
def test_no_distance_depends_on_the_first_points(name: str) -> None:
    predicted, truth = pair(3)
    plain = MATCHES[name](predicted, truth)
    torch.testing.assert_close(MATCHES[name](predicted.roll(5, 1), truth.roll(2, 1)), plain)
    assert (plain > 0).all() and (MATCHES[name](truth, truth.roll(4, 1)).abs() < 1e-12).all()
    assert torch.autograd.gradcheck(lambda p: MATCHES[name](p, truth), predicted.requires_grad_())


def _comb(teeth: int) -> Tensor:
    """The contour of a bar of 60 pixels with teeth of 12 pixels; each tooth adds length to the outline."""
    mask = np.zeros((64, 64), bool)
    mask[30:34, 2:62] = True
    for tooth in range(teeth):
        mask[18:30, 4 + 6 * tooth : 6 + 6 * tooth] = True
    line = contour(mask, 64)
    assert line is not None
    return torch.from_numpy(line)[None]


def test_only_cyclic_matching_grows_with_displacements_along_the_contour() -> None:
    """Missing teeth change the outline at one place, but move all points at equal arc lengths behind it."""
    whole, missing = _comb(9), _comb(6)
    cyclic = float(point_matching_loss(missing, whole))
    assert cyclic > 3
    assert float(chamfer_loss(missing, whole)) < 0.3 * cyclic
    assert float(normal_loss(missing, whole)) < 0.3 * cyclic


def test_chamfer_looks_in_both_directions_and_normal_ignores_the_tangent() -> None:
    angles = torch.arange(64) * (2 * np.pi / 64)
    circle = 20 * torch.stack([angles.cos(), angles.sin()], -1)[None]
    half = circle[:, :32].repeat_interleave(2, 1)  # lies on the circle but covers half of it
    assert float(chamfer_loss(half, circle)) > 2 and float(normal_loss(half, circle)) < 1e-4
    wider = 23 / 20 * circle
    assert float(normal_loss(wider, circle)) == pytest.approx(2.5, abs=0.01)  # smooth L1 of 3
    turned = 20 * torch.stack([(angles + 0.04).cos(), (angles + 0.04).sin()], -1)[None]
    assert float(normal_loss(turned, circle)) < 0.01 < float(chamfer_loss(turned, circle))
