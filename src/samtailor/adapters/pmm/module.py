"""The Point Matching Module: refines points of a contour from features of the mask decoder (training only).

arXiv 2403.09199 as summarised; the sizes are those of a boundary transformer in the way of TextBPN++ (Zhang et al.
2022, arXiv 2205.05320), to which the method's parameter count points.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PMM"]

WIDTH, HEADS, HIDDEN, BLOCKS = 128, 8, 1024, 3


class PMM(nn.Module):
    """Offsets of a closed contour's points, from the features at them. 1,187,906 parameters with 32 channels.

    Normalised features are projected to 128 twice: one projection goes through three encoder blocks, in which a
    contour's points see each other, the other around them; a decoder reads both point by point. Its last linear layer
    starts at zero, and so do the offsets.

    Where a contour begins means nothing, so places along it are told by a code of the distance between two points (see
    ``_turned``): begun elsewhere, the contour gets the same offsets.

    Args:
        channels: C of the features.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, elementwise_affine=False)
        self.enter = nn.Linear(channels, WIDTH)
        self.blocks = nn.ModuleList(_Block() for _ in range(BLOCKS))
        self.around = nn.Linear(channels, WIDTH)
        last = nn.Linear(64, 2)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.decoder = nn.Sequential(nn.Linear(2 * WIDTH, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        """(N, P, C) features of N contours with P points each to (N, P, 2) offsets (x, y) in low-res pixels."""
        normed = self.norm(features)
        encoded = self.enter(normed)
        for block in self.blocks:
            encoded = block(encoded)
        offsets: Tensor = self.decoder(torch.cat([encoded, self.around(normed)], dim=-1))
        return offsets


class _Block(nn.Module):
    """Self-attention along the contour, then an MLP; after each a residual and a norm."""

    def __init__(self) -> None:
        super().__init__()
        # Projected twice, as the source does: its own three, then those of its attention.
        self.own = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.attention = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, WIDTH))
        self.norm_mlp = nn.LayerNorm(WIDTH)

    def forward(self, points: Tensor) -> Tensor:
        """(N, P, 128) to the same."""
        projected = [inner(own(points)) for own, inner in zip(self.own, self.attention, strict=True)]
        q, k, v = (p.unflatten(-1, (HEADS, -1)).transpose(1, 2) for p in projected)  # (N, H, P, 16)
        seen = F.scaled_dot_product_attention(_turned(q), _turned(k), v)
        points = self.norm_attention(points + self.out(seen.transpose(1, 2).flatten(2)))
        after: Tensor = self.norm_mlp(points + self.mlp(points))
        return after


def _turned(vectors: Tensor) -> Tensor:
    """A cyclic position code: pairs of channels turned by whole multiples of the point's angle along the contour.

    The score of two turned vectors depends on their distance along the contour and not on where it begins (rotary
    embedding, Su et al. 2021, arXiv 2104.09864); whole multiples make the last point the first one's neighbour.

    Args:
        vectors: (N, H, P, 2e): pair k, of channels k and e + k, is turned k + 1 times around.
    """
    p, pairs = vectors.shape[2], vectors.shape[3] // 2
    places = torch.arange(p, device=vectors.device, dtype=torch.float32)
    times = torch.arange(1, pairs + 1, device=vectors.device, dtype=torch.float32)
    angles = places[:, None] * times * (2 * math.pi / p)
    cos, sin = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    one, other = vectors.chunk(2, dim=-1)
    return torch.cat([one * cos - other * sin, one * sin + other * cos], dim=-1)
