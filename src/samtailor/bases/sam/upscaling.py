"""The last step of SAM's mask decoder on rows of cells: two up-convolutions that do not overlap, then the masks."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.bases.sam.extras import Extras

__all__ = ["Upscaling", "norm_rows", "to_block_rows", "to_map"]

CHUNK = 512  # cells upscaled at once without gradient: their activations fit a CPU's cache


class Upscaling(NamedTuple):
    """Cells and what turns them into pixels.

    Attributes:
        decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        cells: (BN, c, D).
        half: (G, c, 4, 2 C), image features of each cell's 2 x 2 block, or None; G = B or BN.
        full: (G, c, 16, C), image features of each cell's 4 x 4 block, or None, by (ky1, kx1, ky2, kx2).
    """

    decoder: Any
    cells: Tensor
    half: Tensor | None = None
    full: Tensor | None = None

    @classmethod
    def of(cls, decoder: Any, cells: Tensor, extras: Extras) -> Upscaling:
        """Arrange the image features by cell, in the type of the cells (BN, hw, D)."""
        half, full = extras.half, extras.full
        if half is not None:
            h, w = half.shape[2] // 2, half.shape[3] // 2
            half = half.reshape(len(half), -1, h, 2, w, 2).permute(0, 2, 4, 3, 5, 1)
            half = half.reshape(len(half), h * w, 4, -1).to(cells.dtype)
        if full is not None:
            h, w = full.shape[2] // 4, full.shape[3] // 4
            full = full.reshape(len(full), -1, h, 2, 2, w, 2, 2).permute(0, 2, 5, 3, 6, 4, 7, 1)
            full = full.reshape(len(full), h * w, 16, -1).to(cells.dtype)
        return cls(decoder, cells, half, full)

    def select(self, indices: Tensor) -> Upscaling:
        """Keep the cells ``indices``, (B, N, K), counted row by row."""
        rows = indices.flatten(0, 1)
        images = torch.arange(len(indices), device=rows.device).repeat_interleave(indices.shape[1])
        prompts = torch.arange(len(rows), device=rows.device)
        half, full = (None if part is None else _rows(part, rows, images) for part in (self.half, self.full))
        return Upscaling(self.decoder, _rows(self.cells, rows, prompts), half, full)

    def of_prompt(self, row: int) -> Upscaling:
        """Keep the cells of one prompt, counted over all images; there are no image features."""
        return Upscaling(self.decoder, self.cells[row : row + 1])

    def once(self) -> Tensor:
        """Compute the features after the first up-convolution, (BN, c, 4, 2 C), by (ky1, kx1)."""
        bn, c, _ = self.cells.shape
        rows = _up_convolution(self.decoder.upscale_conv1, self.cells.flatten(0, 1))
        rows = norm_rows(self.decoder.upscale_layer_norm, _plus(rows, self.half))
        return F.gelu(rows).view(bn, c, 4, -1)

    def twice(self) -> Tensor:
        """Compute the features of the 16 pixels of each cell, (BN, c, 16, C), by (ky1, kx1, ky2, kx2)."""
        bn, c, _ = self.cells.shape
        rows = _up_convolution(self.decoder.upscale_conv2, self.once().flatten(0, 2))
        return F.gelu(_plus(rows, self.full)).view(bn, c, 16, -1)

    def logits(self, weights: Tensor) -> Tensor:
        """Compute the logits of the 16 pixels of every cell, (BN, c, 16, M), with ``weights`` (BN, C, M)."""
        if torch.is_grad_enabled() or self.cells.device.type != "cpu":
            return _dot(self.twice(), weights)
        return torch.cat([_dot(part.twice(), weights) for part in self._chunks()], dim=1)

    def _chunks(self) -> list[Upscaling]:
        parts: list[tuple[Tensor | None, ...]] = [torch.split(self.cells, CHUNK, dim=1)]
        count = len(parts[0])
        for features in (self.half, self.full):
            parts.append((None,) * count if features is None else torch.split(features, CHUNK, dim=1))
        return [Upscaling(self.decoder, *chunk) for chunk in zip(*parts, strict=True)]


def _rows(values: Tensor, rows: Tensor, groups: Tensor) -> Tensor:
    """Select rows (BN, K) of values (G, c, ...), of the group that ``groups`` (BN,) names: (BN, K, ...)."""
    flat = rows + groups[:, None] * values.shape[1]
    # index_select, because the backward pass of gather takes several times as long
    return values.flatten(0, 1).index_select(0, flat.flatten()).view(*rows.shape, *values.shape[2:])


def _plus(rows: Tensor, features: Tensor | None) -> Tensor:
    """Add image features (G, c, p, C) to rows (BN c p, C)."""
    if features is None:
        return rows
    groups, _, _, channels = features.shape
    return (rows.view(groups, -1, features[0].numel() // channels, channels) + features.flatten(1, 2)[:, None]).view(
        rows.shape
    )


def _dot(upscaled: Tensor, weights: Tensor) -> Tensor:
    return (upscaled.flatten(1, 2) @ weights.to(upscaled.dtype)).view(*upscaled.shape[:3], -1)


def norm_rows(norm: Any, rows: Tensor) -> Tensor:
    """Apply a layer norm over the last axis, in the type of ``rows``."""
    weight, bias = norm.weight.to(rows.dtype), norm.bias.to(rows.dtype)
    return F.layer_norm(rows, norm.normalized_shape, weight, bias, norm.eps)


def _up_convolution(convolution: Any, rows: Tensor) -> Tensor:
    """Apply a transposed convolution, kernel 2 and stride 2, to pixels: (R, C_in) to (4 R, C_out), by (ky, kx)."""
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (4 C_out, C_in)
    return F.linear(rows, weight.to(rows.dtype), convolution.bias.repeat(4).to(rows.dtype)).view(len(rows) * 4, -1)


def to_block_rows(pixels: Tensor) -> Tensor:
    """Reorder (BN, K, 16, M) from (ky1, kx1, ky2, kx2) to the rows of the 4 x 4 block."""
    bn, k, _, m = pixels.shape
    return pixels.view(bn, k, 2, 2, 2, 2, m).transpose(3, 4).reshape(bn, k, 16, m)


def to_map(pixels: Tensor, size: torch.Size) -> Tensor:
    """Arrange (BN, hw, 16, M) as maps (BN, M, 4h, 4w); a cell's 16 pixels are ordered (ky1, kx1, ky2, kx2)."""
    h, w = size
    bn, _, _, m = pixels.shape
    blocks = pixels.view(bn, h, w, 2, 2, 2, 2, m)
    return blocks.permute(0, 7, 1, 3, 5, 2, 4, 6).reshape(bn, m, 4 * h, 4 * w)
