"""The point matching loss: cyclic, and the minimum over all starts."""

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
    one, other = (spread * torch.randn(3, points, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    return one, other


@given(st.integers(0, 10**6), st.integers(1, 11), st.integers(0, 11))
def test_where_a_contour_begins_does_not_matter(seed: int, first: int, second: int) -> None:
    predicted, truth = pair(seed)
    plain = point_matching_loss(predicted, truth)
    torch.testing.assert_close(point_matching_loss(predicted.roll(first, 1), truth.roll(second, 1)), plain)


@given(st.integers(0, 10**6), st.integers(0, 11))
def test_equal_contours_cost_nothing_and_others_something(seed: int, shift: int) -> None:
    line, other = pair(seed)
    assert (point_matching_loss(line, line.roll(shift, 1)) == 0).all()
    assert (point_matching_loss(line, other) > 0).all()


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 7, 16]), st.sampled_from([0.1, 5.0]))
def test_it_is_the_least_of_all_shifts(seed: int, points: int, spread: float) -> None:
    predicted, truth = pair(seed, points, spread)
    found = point_matching_loss(predicted, truth)
    for row in range(3):
        means = [F.smooth_l1_loss(predicted[row], truth[row].roll(s, 0)) for s in range(points)]
        assert float(found[row]) == pytest.approx(float(min(means)))


def test_gradient() -> None:
    predicted, truth = pair(0)
    assert torch.autograd.gradcheck(lambda p: point_matching_loss(p, truth), predicted.requires_grad_())
    point_matching_loss(predicted, truth).sum().backward()
    assert predicted.grad is not None and predicted.grad.abs().amax((1, 2)).min() > 0


def test_a_shifted_circle_is_as_far_as_it_was_moved() -> None:
    """Smooth L1 of 3 and 0 pixels along x and y: the mean of 2.5 and 0."""
    rows, columns = np.mgrid[:64, :64]
    lines = [contour((columns - x) ** 2 + (rows - 30) ** 2 < 200, 64) for x in (25, 28)]
    one, other = (torch.from_numpy(line)[None] for line in lines if line is not None)
    assert float(point_matching_loss(one, other.roll(20, 1))) == pytest.approx(1.25, abs=0.05)
