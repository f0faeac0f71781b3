"""What later families add to SAM's mask decoder: more output tokens, image features, and a finer mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Extras", "Fine"]


@dataclass(frozen=True)
class Fine:
    """A mask of one more token over features of its own, which is added to every mask (HQ-SAM).

    Attributes:
        head: turns the token (BN, D) into the mask's weights (BN, C).
        first: computes hidden features (BN, C', 4h, 4w) from the decoder's upscaled features (BN, C, 4h, 4w).
        last: a convolution of the hidden features to (BN, C, 4h, 4w), with the same size of maps.
        details: (B, C, 4h, 4w), added to its output.
    """

    head: nn.Module
    first: Callable[[Tensor], Tensor]
    last: nn.Conv2d
    details: Tensor

    def features(self, upscaled: Tensor) -> Tensor:
        """Compute the features (BN, C, 4h, 4w) over which the mask is computed."""
        features: Tensor = self.last(self.first(upscaled))
        return features + self.details.repeat_interleave(len(upscaled) // len(self.details), 0)

    def mask(self, upscaled: Tensor, weights: Tensor, image: int) -> Tensor:
        """Compute the mask of one prompt, (4h, 4w), in fewer steps: the last convolution has a single output channel.

        Args:
            upscaled: (1, C, 4h, 4w).
            weights: (C,), from ``head``.
            image: which of the B images the prompt is on.
        """
        kernel = torch.einsum("c,cdij->dij", weights, self.last.weight)[None]
        bias = None if self.last.bias is None else (weights @ self.last.bias)[None]
        padding = self.last.padding
        fine = F.conv2d(self.first(upscaled), kernel, bias, padding=padding)[0, 0]
        return fine + torch.einsum("c,cij->ij", weights, self.details[image])


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
