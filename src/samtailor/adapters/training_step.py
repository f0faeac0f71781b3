"""One image of a training step, for methods that add terms of their own to the loss."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from samtailor.bases.base import Decoded
from samtailor.losses import Target

__all__ = ["TrainingStep"]


@dataclass(frozen=True)
class TrainingStep:
    """N prompts on one image in a training step; all tensors are on the base's device.

    Attributes:
        decoded: output of the decoder, B = 1 and M = 1, with gradients; its logits are at the target's cells, if any.
        target: the truth that the usual losses compare the logits with.
        truth: (N, l, l) share of each low-res pixel that is foreground, 0..1; l = 4h.
        valid: (l, l) bool, False in padding.
        progress: used share of the fit's budget, 0..1.
        seed: random seed; it differs between images and steps, and is the same if the fit is repeated.
    """

    decoded: Decoded
    target: Target
    truth: Tensor
    valid: Tensor
    progress: float
    seed: int
