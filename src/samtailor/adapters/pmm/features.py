"""Features of the decoder's upscaled map at points; only the cells under the points are upscaled."""

from __future__ import annotations

import torch
from torch import Tensor

from samtailor.bases.base import Decoded
from samtailor.bases.blocks import BLOCK

__all__ = ["features_at"]


def features_at(decoded: Decoded, points: Tensor, side: int, stage: int = 2) -> Tensor:
    """Sample the decoder's upscaled features at points, bilinearly.

    Equals ``torch.nn.functional.grid_sample`` with ``align_corners=False`` and ``padding_mode="border"``, but computes
    only the needed part of the map. The gradient goes to the map, not to the points.

    Args:
        decoded: of one image (B = 1) with N prompts.
        points: (N, P, 2), (x, y) in low-res pixels, pixel centres at +0.5; points outside count as on the border.
        side: l = 4h, of the low-res frame.
        stage: 2 to sample ``decoded.upscaled``; 1 to sample the map after the first up-convolution, 2h x 2w.

    Returns:
        (N, P, C) float32; 2 C channels for stage 1.
    """
    block = 2**stage  # pixels of the map along a cell's side
    rows, columns, shares = _neighbours(points.detach() * (block / BLOCK), side * block // BLOCK)
    cells = (rows // block) * (side // BLOCK) + columns // block
    distinct, positions = _distinct(cells.flatten(1))
    blocks = decoded.blocks(distinct[None], stage)[0].flatten(1, 2)  # (N, K * block², C)
    pixels = positions * block**2 + ((rows % block) * block + columns % block).flatten(1)
    values = blocks.gather(1, pixels[..., None].expand(-1, -1, blocks.shape[-1])).float()
    weighted = values.view(*shares.shape, -1) * shares[..., None]
    return weighted.sum(2)


def _neighbours(points: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows, columns and bilinear shares of the four pixels around each point, (N, P, 4) each."""
    inside = (points.float().nan_to_num() - 0.5).clamp(0, side - 1)  # the fit itself reports a NaN in the loss
    low = inside.floor().long()
    fraction = inside - low
    high = (low + 1).clamp(max=side - 1)
    x, y = torch.stack([low, high], -1).unbind(-2)  # (N, P, 2) each
    across, down = torch.stack([1 - fraction, fraction], -1).unbind(-2)
    shares = (down[..., :, None] * across[..., None, :]).flatten(-2)
    return y.repeat_interleave(2, -1), x.repeat(1, 1, 2), shares


def _distinct(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct values of each row of (N, k), and the position of each value among them.

    Returns:
        (N, K), where K is the largest number of distinct values in a row and other rows are filled with 0; and (N, k).
    """
    ordered, order = cells.sort(dim=1)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = first.cumsum(1) - 1
    distinct = cells.new_zeros(len(cells), int(rank.max()) + 1).scatter_(1, rank, ordered)
    return distinct, torch.empty_like(rank).scatter_(1, order, rank)
