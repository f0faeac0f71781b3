"""The Point Matching Module alone: its size, and what a point's offset depends on."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm.adapter import MatchedPLM
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


def test_parameters_are_those_of_the_source() -> None:
    count = sum(p.numel() for p in PMM().parameters())
    assert count == 1_187_906
    assert f"{count:,}" in str(PMM.__doc__)
    wider = sum(p.numel() for p in PMM(64).parameters())
    assert f"{wider:,}" in str(MatchedPLM.__doc__)
    assert count + sum(p.numel() for p in PLM().parameters()) == 2_766_658


def test_it_starts_with_no_offset_and_learns_from_there() -> None:
    module, given_ = PMM(), torch.randn(2, 16, 32, requires_grad=True)
    for turn in range(2):
        module.zero_grad()
        given_.grad = None
        offsets = module(given_)
        assert offsets.shape == (2, 16, 2)
        assert bool((offsets == 0).all()) == (turn == 0)
        (offsets - 1).square().sum().backward()
        assert given_.grad is not None
        assert bool(given_.grad.any()) == (turn == 1)  # nothing passes a last layer of zeros, which moves first
        with torch.no_grad():
            module.decoder[-1].weight -= 0.1 * module.decoder[-1].weight.grad


@given(st.integers(0, 10**6), st.integers(1, 31))
def test_begun_elsewhere_it_gets_the_same_offsets(pmm: PMM, seed: int, shift: int) -> None:
    found = pmm(features(seed))
    torch.testing.assert_close(pmm(features(seed).roll(shift, 1)), found.roll(shift, 1))


def test_points_of_other_contours_change_nothing(pmm: PMM) -> None:
    plain = pmm(features(0))
    other = features(0)
    other[1] = features(1)[1]
    found = pmm(other)
    assert torch.equal(found[[0, 2]], plain[[0, 2]]) and not torch.allclose(found[1], plain[1])
    torch.testing.assert_close(pmm(features(0)[:1]), plain[:1])


def test_points_of_the_same_contour_do(pmm: PMM) -> None:
    other = features(0)
    other[0, 20] += features(1)[0, 20]
    changed = (pmm(other) - pmm(features(0))).abs().amax(-1)
    assert (changed[0] > 1e-9).all() and (changed[1:] == 0).all()


def test_places_along_the_contour_matter(pmm: PMM) -> None:
    """Without a code of places, two others that change places would change nothing for a third."""
    order = list(range(32))
    order[5], order[20] = order[20], order[5]
    swapped = pmm(features(0)[:, order])
    assert (swapped[:, 10] - pmm(features(0))[:, 10]).abs().min() > 1e-6


@pytest.mark.parametrize("points", [1, 2, 7, 64])
def test_any_number_of_points(pmm: PMM, points: int) -> None:
    assert pmm(features(0, points)).shape == (3, points, 2)
