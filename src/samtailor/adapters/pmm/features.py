"""Features of the upscaled map at points, upscaling only the cells that points touch."""

from __future__ import annotations

import torch
from torch import Tensor

from samtailor.bases.base import Decoded

__all__ = ["features_at"]

CELL = 4  # low-res pixels along a cell's side


def features_at(decoded: Decoded, points: Tensor, side: int, stage: int = 2) -> Tensor:
    """Bilinear samples of the decoder's upscaled features, without making more of them than they need.

    As ``torch.nn.functional.grid_sample`` with ``align_corners=False`` and ``padding_mode="border"``, but that points
    get no gradient: it goes to the map alone.

    Args:
        decoded: of one image (B = 1) with N prompts.
        points: (N, P, 2), (x, y) in low-res pixels, pixel centres at +0.5; those outside count as on the border.
        side: l = 4h, of the low-res frame.
        stage: 2: of ``decoded.upscaled``; 1: of the map after the first up-convolution, 2h x 2w.

    Returns:
        (N, P, C) float32; 2 C channels for stage 1.
    """
    block = 2**stage  # pixels of the map along a cell's side
    rows, columns, shares = _corners(points.detach() * (block / CELL), side * block // CELL)
    cells = (rows // block) * (side // CELL) + columns // block
    wanted, place = _distinct(cells.flatten(1))
    blocks = decoded.blocks(wanted[None], stage)[0].flatten(1, 2)  # (N, K * block², C)
    pixels = place * block**2 + ((rows % block) * block + columns % block).flatten(1)
    values = blocks.gather(1, pixels[..., None].expand(-1, -1, blocks.shape[-1])).float()
    weighted = values.view(*shares.shape, -1) * shares[..., None]
    return weighted.sum(2)


def _corners(points: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and shares of the four pixels around each point, (N, P, 4) each; shares sum to one."""
    inside = (points.float().nan_to_num() - 0.5).clamp(0, side - 1)  # a loss that is no number is told of elsewhere
    low = inside.floor().long()
    part = inside - low
    high = (low + 1).clamp(max=side - 1)
    x, y = torch.stack([low, high], -1).unbind(-2)  # (N, P, 2) each
    across, down = torch.stack([1 - part, part], -1).unbind(-2)
    shares = (down[..., :, None] * across[..., None, :]).flatten(-2)
    return y.repeat_interleave(2, -1), x.repeat(1, 1, 2), shares


def _distinct(cells: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct values of each row of (N, k), and where among them each value stands.

    Returns:
        (N, K), K the largest number of them in a row, filled up with 0; and (N, k).
    """
    ordered, order = cells.sort(dim=1)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = first.cumsum(1) - 1
    wanted = cells.new_zeros(len(cells), int(rank.max()) + 1).scatter_(1, rank, ordered)
    return wanted, torch.empty_like(rank).scatter_(1, order, rank)
