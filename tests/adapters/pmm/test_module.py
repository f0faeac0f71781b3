"""The Point Matching Module: its size, and the inputs on which an offset depends."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm.adapter import PlmPMM
from samtailor.adapters.pmm.module import PMM


@pytest.fixture(scope="module")
def pmm() -> PMM:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = PMM().double()
        torch.nn.init.normal_(module.decoder[-1].weight)
    return module


def features(seed: int, points: int = 32) -> Tensor:
    return torch.randn(3, points, 32, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_parameter_count_is_that_of_the_source() -> None:
    count = sum(p.numel() for p in PMM().parameters())
    assert count == 1_187_906
    assert f"{count:,}" in str(PMM.__doc__)
    wider = sum(p.numel() for p in PMM(64).parameters())
    assert f"{wider:,}" in str(PlmPMM.__doc__)
    assert count + sum(p.numel() for p in PLM().parameters()) == 2_766_658


def test_offsets_start_at_zero_and_are_learned() -> None:
    module, inputs = PMM(), torch.randn(2, 16, 32, requires_grad=True)
    for step in range(2):
        module.zero_grad()
        inputs.grad = None
        offsets = module(inputs)
        assert offsets.shape == (2, 16, 2)
        assert bool((offsets == 0).all()) == (step == 0)
        (offsets - 1).square().sum().backward()
        assert inputs.grad is not None
        assert bool(inputs.grad.any()) == (step == 1)  # a last layer of zeros blocks the gradient of the first step
        with torch.no_grad():
            module.decoder[-1].weight -= 0.1 * module.decoder[-1].weight.grad


@given(st.integers(0, 10**6), st.integers(1, 31))
def test_offsets_do_not_depend_on_the_first_point_of_a_contour(pmm: PMM, seed: int, shift: int) -> None:
    offsets = pmm(features(seed))
    torch.testing.assert_close(pmm(features(seed).roll(shift, 1)), offsets.roll(shift, 1))


def test_offsets_do_not_depend_on_other_contours(pmm: PMM) -> None:
    plain = pmm(features(0))
    inputs = features(0)
    inputs[1] = features(1)[1]
    offsets = pmm(inputs)
    assert torch.equal(offsets[[0, 2]], plain[[0, 2]]) and not torch.allclose(offsets[1], plain[1])
    torch.testing.assert_close(pmm(features(0)[:1]), plain[:1])


def test_offsets_depend_on_all_points_of_the_contour(pmm: PMM) -> None:
    inputs = features(0)
    inputs[0, 20] += features(1)[0, 20]
    changed = (pmm(inputs) - pmm(features(0))).abs().amax(-1)
    assert (changed[0] > 1e-9).all() and (changed[1:] == 0).all()


def test_offsets_depend_on_positions_along_the_contour(pmm: PMM) -> None:
    """Without a position code, swapping two points would not change the offset of a third."""
    order = list(range(32))
    order[5], order[20] = order[20], order[5]
    swapped = pmm(features(0)[:, order])
    assert (swapped[:, 10] - pmm(features(0))[:, 10]).abs().min() > 1e-6


@pytest.mark.parametrize("points", [1, 2, 7, 64])
def test_any_number_of_points_is_accepted(pmm: PMM, points: int) -> None:
    assert pmm(features(0, points)).shape == (3, points, 2)
