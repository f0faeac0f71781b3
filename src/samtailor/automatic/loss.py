"""The loss of the proposal head."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.automatic.head import Proposals
from samtailor.automatic.targets import DenseTargets

__all__ = ["proposal_loss"]

MOST = 20.0
"""Largest weight of a pixel of foreground, so that one small instance does not drown all background."""
BACKGROUND = 0.1
"""Weight of the depth's error outside instances, where its right value is 0."""


def proposal_loss(proposals: Proposals, targets: DenseTargets) -> dict[str, Tensor]:
    """Compute the terms of one image (B = 1), each a mean over classes: ``foreground``, ``dice`` and ``depth``.

    The cross-entropy counts the foreground of a class as much as its background, however crowded or sparse the image
    is; an image without the class has background alone. Dice (Milletari et al. 2016) is smoothed by a hundred pixels,
    so that it is near 0 for an image without the class if little is predicted.
    """
    truth = targets.foreground.float() / 255
    usable = targets.valid & ~targets.ignored  # (C, l, l)
    weight = usable.float()
    logits, depth = proposals.foreground[0], proposals.depth[0]
    inside, outside = weight * truth, weight * (1 - truth)
    area, rest = inside.sum((1, 2)), outside.sum((1, 2)).clamp(min=1)
    share = (rest / area.clamp(min=1)).clamp(max=MOST)  # 0 pixels of foreground stay 0 pixels
    balance = inside * share[:, None, None] + outside
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    foreground = (entropy * balance).sum((1, 2)) / balance.sum((1, 2)).clamp(min=1)
    p = torch.sigmoid(logits) * weight
    dice = 1 - (2 * (p * truth).sum((1, 2)) + 100) / (p.sum((1, 2)) + area + 100)
    error = F.smooth_l1_loss(depth, targets.depth.float() / 255, reduction="none", beta=0.1)
    depth_weight = weight * (truth > 0.5) + BACKGROUND * weight * (truth <= 0.5)
    depth_loss = (error * depth_weight).sum((1, 2)) / depth_weight.sum((1, 2)).clamp(min=1)
    terms = {"foreground": foreground, "dice": dice, "depth": depth_loss}
    return {name: value.mean() for name, value in terms.items()}
