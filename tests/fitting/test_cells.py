"""The loss over sampled cells estimates the loss over all cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fitting.batches import Sampler
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.fitting.config import CellChoice, FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.losses import Target, focal_loss, mask_losses

SIDE = 64  # low-res pixels: 16 x 16 cells


def discs() -> tuple[Tensor, Tensor]:
    """Truth of two soft-edged discs, one of them tiny, and valid pixels; the padding cuts through cells."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    truth = torch.stack([(r - (y - 24).hypot(x - 30)).clamp(0, 1) for r in (15.3, 1.7)])
    valid = (y < 50) & (x < 63)
    return truth * valid, valid


def pixels(logits: Tensor, target: Target) -> Tensor:
    if target.cells is None:
        return logits
    blocks = logits.view(len(logits), 16, 4, 16, 4).transpose(2, 3).reshape(len(logits), 256, 16)
    return blocks.gather(1, target.cells[..., None].expand(-1, -1, 16))


def terms(logits: Tensor, target: Target) -> dict[str, Tensor]:
    estimate = torch.tensor([0.3, 0.6])
    return mask_losses(pixels(logits, target), estimate, target)


def test_all_cells_give_the_loss_over_all_pixels() -> None:
    torch.manual_seed(0)
    truth, valid = discs()
    logits = torch.randn(2, SIDE, SIDE) * 3
    whole, parts = terms(logits, full_target(truth, valid)), terms(logits, sampled_target(truth, valid, 1.0, 0))
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value)


def test_the_sampled_loss_and_its_gradient_are_unbiased() -> None:
    """Means over 3,000 draws of the loss and of projections of its gradient are within four standard errors."""
    torch.manual_seed(0)
    truth, valid = discs()
    logits = (truth * 4 - 2 + torch.randn(2, SIDE, SIDE)).requires_grad_()
    directions = torch.randn(8, 2, SIDE, SIDE)

    def figures(target: Target) -> Tensor:
        focal = focal_loss(pixels(logits, target), target.truth, target.weight, target.total)
        (gradient,) = torch.autograd.grad(focal.sum(), logits)
        p = torch.sigmoid(pixels(logits, target)) * target.weight
        sums = torch.stack(
            [p.flatten(1).sum(1), (p * target.truth).flatten(1).sum(1)]
        )  # the sums of which Dice is computed
        return torch.cat([focal.detach(), sums.detach().flatten(), (directions * gradient).sum((1, 2, 3))])

    whole = figures(full_target(truth, valid))
    draws = torch.stack([figures(sampled_target(truth, valid, 0.25, seed)) for seed in range(3000)])
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - whole).abs() <= 4 * error + 1e-6 * whole.abs()).all()
    assert (draws.std(0) > 0).any()


def test_cells_with_errors_keep_the_gradient_of_a_nearly_correct_prediction() -> None:
    """The prediction is right but for a patch far from the boundary. Both ways of sampling are unbiased."""
    torch.manual_seed(0)
    truth, valid = discs()
    predicted = truth * 16 - 8 + 0.1 * torch.randn(2, SIDE, SIDE)
    predicted[:, 2:10, 2:14] = 6  # 12 of 256 cells, all background
    predicted = (predicted * valid).requires_grad_()

    def gradient(target: Target) -> Tensor:
        losses = terms(predicted, target)
        (found,) = torch.autograd.grad((20 * losses["focal"]).sum(), predicted)
        return found.flatten()

    whole, cosines = gradient(full_target(truth, valid)), {}
    for name, hint in (("boundary", None), ("errors", predicted.detach())):
        found = torch.stack([gradient(sampled_target(truth, valid, 0.25, seed, hint)) for seed in range(300)])
        cosines[name] = float(F.cosine_similarity(found, whole[None]).mean())
        assert float(found.mean(0) @ whole / (whole @ whole)) == pytest.approx(1.0, abs=0.1)
    assert cosines["errors"] > 0.95 > 0.8 > cosines["boundary"]


def test_dice_of_a_sample_is_nearly_unbiased() -> None:
    """Dice is a ratio of unbiased sums; its bias is far below its standard deviation."""
    truth, valid = discs()
    logits = truth * 6 - 3 + torch.randn(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    whole = terms(logits, full_target(truth, valid))["dice"]
    draws = torch.stack([terms(logits, sampled_target(truth, valid, 0.25, s))["dice"] for s in range(500)])
    assert ((draws.mean(0) - whole).abs() < 0.35 * draws.std(0)).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_the_weights_sum_to_the_number_of_valid_pixels(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    truth = torch.from_numpy(rng.random((2, SIDE, SIDE)) > rng.random()).float()
    valid = torch.ones(SIDE, SIDE, dtype=torch.bool)
    valid[:, 4 * int(rng.integers(1, 17)) :] = False
    target = sampled_target(truth * valid, valid, share, seed)
    assert target.cells is not None
    for row in range(2):
        counted = target.cells[row][target.weight[row].amax(-1) > 0].tolist()
        assert len(counted) == len(set(counted))  # no cell occurs twice
    if share > 0.1:  # then each stratum that is not empty has a sampled cell
        assert torch.allclose(target.weight.sum((1, 2)), target.total.float().expand(2), rtol=1e-4)


@pytest.mark.parametrize(("share", "choice"), [(0.25, "boundary"), (0.25, "errors"), (1.0, "boundary")])
def test_both_decoders_give_the_same_gradient_of_a_step(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, share: float, choice: CellChoice
) -> None:
    """Sampled cells are upscaled alone by one decoder and cut out of the whole mask by the other."""
    gradients = []
    sampler = Sampler(shapes.split("train"), FitConfig(epochs=1, batch=4, min_area=1))
    for reference in (False, True):
        torch.manual_seed(0)
        plm = PLM(width=tiny_sam.embed_dim)
        config = FitConfig(epochs=1, cells=share, cell_choice=choice, precision="float32")
        tiny_sam.reference_decoder = reference
        try:
            add_gradients(AdaptedModel.of(tiny_sam, plm, cache), sampler.batch(0), config)
        finally:
            tiny_sam.reference_decoder = False
        gradients.append(plm.mlp[-1].weight.grad)
    assert gradients[0] is not None and gradients[1] is not None
    assert (gradients[0] - gradients[1]).abs().max() < 1e-3 * gradients[1].abs().max()


def test_bfloat16_gradients_have_nearly_the_same_direction(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    sampler = Sampler(shapes.split("train"), FitConfig(epochs=1, batch=4, min_area=1))
    gradients = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        plm = PLM(width=tiny_sam.embed_dim)
        config = FitConfig(epochs=1, precision=precision)
        add_gradients(AdaptedModel.of(tiny_sam, plm, cache), sampler.batch(0), config)
        assert plm.mlp[-1].weight.grad is not None
        gradients.append(plm.mlp[-1].weight.grad.flatten())
    assert gradients[1].dtype == torch.float32
    assert not torch.equal(gradients[0], gradients[1])
    assert torch.nn.functional.cosine_similarity(gradients[0], gradients[1], dim=0) > 0.9
