"""What later families add to SAM's mask decoder: more output tokens, image features, and a finer mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["Extras", "Fine"]


@dataclass(frozen=True)
class Fine:
    """A mask of one more token over features of its own, which is added to every mask (HQ-SAM).

    Attributes:
        head: turns the token (BN, D) into the mask's weights (BN, C).
        features: computes the features (BN, C, 4h, 4w) from the decoder's upscaled features of the same shape.
    """

    head: nn.Module
    features: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Extras:
    """Additions to SAM's mask decoder for B images. SAM has none.

    Attributes:
        tokens: (k, D), output tokens beside those of the IoU and the masks. No token has a place of its own in the
            decoder, so they follow the mask tokens here, whatever the order in the family's code.
        half: (B, 2 C, 2h, 2w), added to the features after the first up-convolution, before its norm.
        full: (B, C, 4h, 4w), added to the features after the second up-convolution, before its activation.
        fine: a finer mask of the first of ``tokens``.
    """

    tokens: Tensor | None = None
    half: Tensor | None = None
    full: Tensor | None = None
    fine: Fine | None = None
