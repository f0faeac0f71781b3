"""The boundary term: its band of pixels, and its unbiased estimate from some cells."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_cdt
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.plm_boundary import REACH, PlmBoundary, boundary_band
from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.base import Decoded
from samtailor.bases.blocks import blocks_of
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.losses import Target

SIDE = 64


def scene() -> tuple[Tensor, Tensor]:
    """Truth and valid pixels of soft-edged discs: one is tiny, one is cut by the padding, one by the image's border."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    discs = ((24, 30, 15.3), (24, 30, 1.7), (50, 60, 12.0), (0, 10, 9.0))
    truth = torch.stack([(r - (y - a).hypot(x - b)).clamp(0, 1) for a, b, r in discs])
    valid = (y < 50) & (x < 63)
    return truth * valid, valid


@given(st.integers(0, 10**6))
def test_the_band_is_near_foreground_and_background(seed: int) -> None:
    """Compare with scipy's chessboard distance to the other side, within the valid part."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((2, 1, 8, 8)) > 0.5).float()
    truth = F.interpolate(coarse, size=(SIDE, SIDE))[:, 0]
    height, width = rng.integers(8, SIDE + 1, 2)
    valid = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    valid[:height, :width] = True
    band = boundary_band(truth * valid, valid)
    for row in range(2):
        hard = (truth[row, :height, :width] > 0.5).numpy()
        expected = np.zeros_like(hard)
        if hard.any() and not hard.all():  # a pixel of the other side is at least 1 away
            distance = distance_transform_cdt(hard, "chessboard") + distance_transform_cdt(~hard, "chessboard")
            expected = distance <= REACH
        assert np.array_equal(band[row, :height, :width].numpy(), expected)
    assert not band[:, ~valid].any()


def term(logits: Tensor, target: Target, truth: Tensor, valid: Tensor, share: float = 1.0) -> Tensor:
    plm = PlmBoundary(share=share, width=8, heads=2, hidden=8)
    maps = logits[None, :, None]
    decoded_logits = maps if target.cells is None else blocks_of(maps, target.cells[None])
    unused = torch.zeros(())
    decoded = Decoded(
        decoded_logits, unused, lambda: unused, lambda cells, stage=2: unused, lambda: unused, lambda cells: unused
    )
    terms = plm.extra_terms(TrainingStep(decoded, target, truth, valid, 0.5, 0))
    assert list(terms) == ["boundary"]
    return terms["boundary"]


def test_over_all_cells_the_term_is_the_mean_over_the_band() -> None:
    torch.manual_seed(0)
    truth, valid = scene()
    logits = torch.randn(len(truth), SIDE, SIDE)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    band = boundary_band(truth, valid)
    assert band.any((1, 2)).all()
    expected = torch.stack([part[inside].mean() for part, inside in zip(loss, band, strict=True)])
    for target in (full_target(truth, valid), sampled_target(truth, valid, 1.0, 0)):
        torch.testing.assert_close(term(logits, target, truth, valid), expected)
        torch.testing.assert_close(term(logits, target, truth, valid, share=0.3), 0.3 * expected)


def test_over_some_cells_the_term_is_unbiased() -> None:
    """The mean over 1,000 draws is within four standard errors of the term over all cells."""
    torch.manual_seed(0)
    truth, valid = scene()
    logits = truth * 4 - 2 + torch.randn(len(truth), SIDE, SIDE)
    whole = term(logits, full_target(truth, valid), truth, valid)
    draws = [term(logits, sampled_target(truth, valid, 0.1, seed), truth, valid) for seed in range(1000)]
    terms = torch.stack(draws)
    assert ((terms.mean(0) - whole).abs() <= 4 * terms.std(0) / len(terms) ** 0.5 + 1e-6).all()
    assert (terms.std(0)[0] > 0).all()


def test_without_a_boundary_the_term_is_zero() -> None:
    valid = torch.ones(SIDE, SIDE, dtype=torch.bool)
    full = torch.ones(1, SIDE, SIDE)
    assert float(term(torch.randn(1, SIDE, SIDE), full_target(full, valid), full, valid)) == 0.0
