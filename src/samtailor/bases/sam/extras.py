"""What later families add to SAM's mask decoder: more output tokens, image features, and a finer mask."""

from __future__ import annotations

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
        first: a 3 x 3 convolution of the decoder's upscaled features (BN, C, 4h, 4w) to (BN, C', 4h, 4w).
        norm: over the channels of its output, before a GELU.
        last: a 3 x 3 convolution back to (BN, C, 4h, 4w).
        details: (B, C, 4h, 4w), added to its output.
    """

    head: nn.Module
    first: nn.Conv2d
    norm: nn.Module
    last: nn.Conv2d
    details: Tensor

    def features(self, upscaled: Tensor) -> Tensor:
        """Compute the features (BN, C, 4h, 4w) over which the mask is computed."""
        features: Tensor = self.last(F.gelu(self.norm(self.first(upscaled))))
        return features + self.details.repeat_interleave(len(upscaled) // len(self.details), 0)

    def mask(self, upscaled: Tensor, weights: Tensor, image: int) -> Tensor:
        """Compute the mask of one prompt, (4h, 4w), in fewer steps: the last convolution has a single output channel.

        Args:
            upscaled: (C, 4h, 4w).
            weights: (C,), from ``head``.
            image: which of the B images the prompt is on.
        """
        kernel, bias = self._combined(weights)
        hidden = F.gelu(self.norm(self.first(upscaled[None])))
        fine = F.conv2d(hidden, kernel, bias, padding=1)[0, 0]
        return fine + torch.einsum("c,cij->ij", weights, self.details[image])

    def blocks(self, upscaled: Tensor, weights: Tensor, image: int, cells: Tensor) -> Tensor:
        """Compute the blocks (K, 16) of some cells of ``mask``, from each cell's surroundings of two pixels.

        Args:
            upscaled: (C, 4h, 4w).
            weights: (C,), from ``head``.
            image: which of the B images the prompt is on.
            cells: (K,), counted row by row.
        """
        width = upscaled.shape[2] // 4
        rows, columns = cells // width, cells % width
        around = F.pad(upscaled, (2, 2, 2, 2)).unfold(1, 8, 4).unfold(2, 8, 4)  # (C, h, w, 8, 8)
        patches = around[:, rows, columns].transpose(0, 1)
        hidden = F.gelu(self.norm(F.conv2d(patches, self.first.weight, self.first.bias)))  # (K, C', 6, 6)
        # The second convolution sees zeros outside the map, not what the first makes of zeros.
        ring = torch.arange(-1, 5, device=cells.device)
        y, x = 4 * rows[:, None] + ring, 4 * columns[:, None] + ring
        inside_y, inside_x = ((line >= 0) & (line < 4 * n) for line, n in ((y, upscaled.shape[1] // 4), (x, width)))
        hidden = hidden * (inside_y[:, None, :, None] & inside_x[:, None, None, :])
        fine = F.conv2d(hidden, *self._combined(weights))[:, 0]
        details = self.details[image].unfold(1, 4, 4).unfold(2, 4, 4)[:, rows, columns]  # (C, K, 4, 4)
        return (fine + torch.einsum("c,ckij->kij", weights, details)).flatten(1)

    def _combined(self, weights: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return kernel and bias of the last convolution, followed by the sum over channels with ``weights``."""
        kernel = torch.einsum("c,cdij->dij", weights, self.last.weight)[None]
        return kernel, None if self.last.bias is None else (weights @ self.last.bias)[None]


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
