"""Losses over low-res logits; pure functions, one value per instance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.metrics import soft_iou

__all__ = ["LossWeights", "Target", "dice_loss", "focal_loss", "hard_truth", "mask_losses"]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms: SAM's 20 : 1 : 1, but for Dice.

    The focal term counts pixels, three times as much outside a mask as within, and large masks shrink under it; Dice
    counts large and small masks alike (experiments/results/recipe.md).
    """

    focal: float = 20.0
    dice: float = 20.0
    iou: float = 1.0


@dataclass(frozen=True)
class Target:
    """What a loss compares logits with; P low-res pixels for each of N instances.

    Attributes:
        truth: (N, P...) share of each pixel that is foreground.
        hard: the same, bool.
        weight: broadcast to them; how many pixels each stands for, 0 for padding.
        total: valid pixels of the whole.
        cells: (N, K) int, which cells these are; None: all, in a picture's layout.
    """

    truth: Tensor
    hard: Tensor
    weight: Tensor
    total: Tensor
    cells: Tensor | None = None


def focal_loss(
    logits: Tensor,
    truth: Tensor,
    weight: Tensor,
    total: Tensor | None = None,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Tensor:
    """Sigmoid focal loss (Lin et al. 2017), weighted mean over cells.

    Args:
        logits: (N, ...).
        truth: (N, ...) share of each cell that is foreground, 0..1; for 0 and 1 this is the usual formula.
        weight: broadcast to them: how much a cell counts; 0 for padding, above 1 where it stands for others too.
        total: what the weighted sum is divided by; None: the sum of the weights.
        alpha: weight of foreground; background gets 1 - alpha.
        gamma: how strongly easy cells are played down.

    Returns:
        (N,), not negative.
    """
    p = torch.sigmoid(logits)
    off = p * (1 - truth) + (1 - p) * truth
    balance = alpha * truth + (1 - alpha) * (1 - truth)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * balance * off**gamma
    return _sum(loss * weight) / (_sum(weight.expand_as(loss)) if total is None else total)


def dice_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """1 - soft Dice (Milletari et al. 2016; smoothed by one cell); shapes as ``focal_loss``; (N,) in 0..1."""
    p = torch.sigmoid(logits) * weight
    t = truth * weight
    return 1 - (2 * _sum(p * truth) + 1) / (_sum(p) + _sum(t) + 1)


def _sum(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1)


def mask_losses(
    logits: Tensor,
    predicted_iou: Tensor,
    truth: Tensor,
    weight: Tensor,
    hard: Tensor | None = None,
    total: Tensor | None = None,
) -> dict[str, Tensor]:
    """The terms per instance, (N,) each: ``focal``, ``dice``, ``iou`` (squared error of the model's own estimate).

    ``hard``: the truth as a bool mask, for the true IoU; None: see ``hard_truth``. Others as ``focal_loss``.
    """
    with torch.no_grad():
        real = soft_iou(logits > 0, hard_truth(truth) if hard is None else hard, weight)
    return {
        "focal": focal_loss(logits, truth, weight, total),
        "dice": dice_loss(logits, truth, weight),
        "iou": (predicted_iou - real) ** 2,
    }


def hard_truth(truth: Tensor) -> Tensor:
    """Shares (N, h, w) to bool: over half of the largest share; an instance thinner than a cell would else be empty."""
    return truth > 0.5 * truth.amax((-2, -1), keepdim=True)
