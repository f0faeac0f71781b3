"""Losses over low-res logits; pure functions, one value per instance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.metrics import soft_iou

__all__ = ["Target", "dice_loss", "focal_loss", "hard_truth", "mask_losses"]


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


def mask_losses(logits: Tensor, predicted_iou: Tensor, target: Target) -> dict[str, Tensor]:
    """Compute the terms per instance, (N,) each: ``focal``, ``dice``, ``iou``.

    Args:
        logits: (N, P...), of the pixels of ``target``.
        predicted_iou: (N,), the model's own estimate; ``iou`` is its squared error.
        target: what the logits are compared with.
    """
    with torch.no_grad():
        true_iou = soft_iou(logits > 0, target.hard, target.weight)
    return {
        "focal": focal_loss(logits, target.truth, target.weight, target.total),
        "dice": dice_loss(logits, target.truth, target.weight),
        "iou": (predicted_iou - true_iou) ** 2,
    }


def hard_truth(truth: Tensor) -> Tensor:
    """Shares (N, h, w) to bool: over half of the largest share; an instance thinner than a cell would else be empty."""
    return truth > 0.5 * truth.amax((-2, -1), keepdim=True)
