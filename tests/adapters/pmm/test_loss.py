"""The point matching loss is the minimum over all cyclic shifts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.pmm.contours import contour
from samtailor.adapters.pmm.loss import point_matching_loss


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
