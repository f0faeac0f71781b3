"""Losses over low-res logits; pure functions, one value per instance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.metrics import soft_iou

__all__ = ["LossWeights", "dice_loss", "focal_loss", "mask_losses"]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms: SAM's 20 : 1 : 1."""

    focal: float = 20.0
    dice: float = 1.0
    iou: float = 1.0


def focal_loss(logits: Tensor, truth: Tensor, valid: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Sigmoid focal loss (Lin et al. 2017), mean over valid cells.

    Args:
        logits: (N, h, w).
        truth: (N, h, w) share of each cell that is foreground, 0..1; for 0 and 1 this is the usual formula.
        valid: (h, w) bool; other cells (padding) do not count.
        alpha: weight of foreground; background gets 1 - alpha.
        gamma: how strongly easy cells are played down.

    Returns:
        (N,), not negative.
    """
    p = torch.sigmoid(logits)
    off = p * (1 - truth) + (1 - p) * truth
    weight = alpha * truth + (1 - alpha) * (1 - truth)
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight * off**gamma
    return (loss * valid).sum((-2, -1)) / valid.sum()


def dice_loss(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """1 - soft Dice (Milletari et al. 2016; smoothed by one cell); shapes as ``focal_loss``; (N,) in 0..1."""
    p = torch.sigmoid(logits) * valid
    t = truth * valid
    return 1 - (2 * (p * t).sum((-2, -1)) + 1) / (p.sum((-2, -1)) + t.sum((-2, -1)) + 1)


def mask_losses(logits: Tensor, predicted_iou: Tensor, truth: Tensor, valid: Tensor) -> dict[str, Tensor]:
    """The terms per instance, (N,) each: ``focal``, ``dice``, ``iou`` (squared error of the model's own estimate)."""
    with torch.no_grad():
        # Half of the largest coverage: an instance thinner than a cell would else have an empty truth.
        real = soft_iou(logits > 0, truth > 0.5 * truth.amax((-2, -1), keepdim=True), valid)
    return {
        "focal": focal_loss(logits, truth, valid),
        "dice": dice_loss(logits, truth, valid),
        "iou": (predicted_iou - real) ** 2,
    }
