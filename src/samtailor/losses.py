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
    """Truth that a loss compares logits with: P low-res pixels for each of N instances.

    Attributes:
        truth: (N, P...) share of each pixel that is foreground.
        hard: the same, bool.
        weight: broadcast to them; number of pixels that each pixel represents, 0 for padding.
        total: number of valid pixels in the whole mask.
        cells: (N, K) int, the embedding cells of the pixels; None if they are all pixels, P... = (l, l).
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
    """Compute the sigmoid focal loss (Lin et al. 2017) as a weighted mean over low-res pixels.

    Args:
        logits: (N, ...).
        truth: (N, ...) share of each pixel that is foreground, 0..1; for 0 and 1 this is the usual formula.
        weight: broadcast to them; 0 for padding, above 1 if a pixel represents others too.
        total: divisor of the weighted sum; None for the sum of the weights.
        alpha: weight of foreground; background gets 1 - alpha.
        gamma: how strongly the loss of easy pixels is reduced.

    Returns:
        (N,), not negative.
    """
    p = torch.sigmoid(logits)
    error = p * (1 - truth) + (1 - p) * truth
    balance = alpha * truth + (1 - alpha) * (1 - truth)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * balance * error**gamma
    return _sum(loss * weight) / (_sum(weight.expand_as(loss)) if total is None else total)


def dice_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Compute 1 - soft Dice (Milletari et al. 2016), smoothed by one pixel; shapes as ``focal_loss``; (N,) in 0..1."""
    p = torch.sigmoid(logits) * weight
    t = truth * weight
    return 1 - (2 * _sum(p * truth) + 1) / (_sum(p) + _sum(t) + 1)


def _sum(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1)


def mask_losses(logits: Tensor, predicted_iou: Tensor, target: Target, alpha: float = 0.25) -> dict[str, Tensor]:
    """Compute the loss terms of each instance, (N,) each: ``focal``, ``dice`` and ``iou``.

    Args:
        logits: (N, P...), at the pixels of ``target``.
        predicted_iou: (N,), the model's own estimate; ``iou`` is its squared error.
        target: the truth.
        alpha: of the focal loss.
    """
    with torch.no_grad():
        true_iou = soft_iou(logits > 0, target.hard, target.weight)
    return {
        "focal": focal_loss(logits, target.truth, target.weight, target.total, alpha),
        "dice": dice_loss(logits, target.truth, target.weight),
        "iou": (predicted_iou - true_iou) ** 2,
    }


def hard_truth(truth: Tensor) -> Tensor:
    """Convert shares (N, l, l) to bool: foreground is more than half of an instance's largest share.

    With a fixed threshold of 0.5, an instance thinner than a low-res pixel would be empty.
    """
    return truth > 0.5 * truth.amax((-2, -1), keepdim=True)
