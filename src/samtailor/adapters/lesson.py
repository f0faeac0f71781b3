"""What a training step shows a method that has a loss of its own."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from samtailor.bases.base import Decoded
from samtailor.losses import Target

__all__ = ["Lesson"]


@dataclass(frozen=True)
class Lesson:
    """N prompts on one image in a training step; all tensors on the base's device.

    Attributes:
        decoded: the answer, B = 1 and M = 1, with gradients; its logits are of the target's cells where it has any.
        target: what the usual losses compare the logits with.
        truth: (N, l, l) share of each low-res pixel that is foreground, 0..1; l = 4h.
        valid: (l, l) bool, False in padding.
        progress: share of the fit's budget that is used, 0..1.
        noise: seed of whatever is drawn; another for each image and step, the same in a repeated fit.
    """

    decoded: Decoded
    target: Target
    truth: Tensor
    valid: Tensor
    progress: float
    noise: int
