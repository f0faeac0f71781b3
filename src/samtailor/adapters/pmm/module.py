"""The Point Matching Module: refines points of a contour from features of the mask decoder (training only).

arXiv 2403.09199 as summarised. The sizes are those of a boundary transformer like the one in TextBPN++ (Zhang et al.
2022, arXiv 2205.05320), which matches the method's published parameter count.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["PMM"]

WIDTH, HEADS, HIDDEN, BLOCKS = 128, 8, 1024, 3


class PMM(nn.Module):
    """Predicts offsets of a closed contour's points from the features at the points.

    It has 1,187,906 parameters with 32 channels. Normalised features are projected to 128 channels twice. The first
    projection passes three encoder blocks, in which the points of a contour attend to each other; the second one skips
    them. A decoder reads both for each point. Its last linear layer starts at zero, so the offsets do too.

    The first point of a contour is arbitrary, so the position code depends only on the distance between two points (see
    ``_rotated``): if a contour starts at another point, each point still gets the same offset.

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
        """Return the offsets (N, P, 2), (x, y) in low-res pixels, of N contours from features (N, P, C) at P points."""
        normed = self.norm(features)
        encoded = self.enter(normed)
        for block in self.blocks:
            encoded = block(encoded)
        offsets: Tensor = self.decoder(torch.cat([encoded, self.around(normed)], dim=-1))
        return offsets


class _Block(nn.Module):
    """Self-attention along the contour, then an MLP; each has a residual connection and a norm after it."""

    def __init__(self) -> None:
        super().__init__()
        # Two projections in a row, as in the source: three of the block, then those of its attention layer.
        self.own = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.attention = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, WIDTH))
        self.norm_mlp = nn.LayerNorm(WIDTH)

    def forward(self, points: Tensor) -> Tensor:
        """Transform (N, P, 128) to the same shape."""
        projected = [inner(own(points)) for own, inner in zip(self.own, self.attention, strict=True)]
        q, k, v = (p.unflatten(-1, (HEADS, -1)).transpose(1, 2) for p in projected)  # (N, H, P, 16)
        attended = F.scaled_dot_product_attention(_rotated(q), _rotated(k), v)
        points = self.norm_attention(points + self.out(attended.transpose(1, 2).flatten(2)))
        output: Tensor = self.norm_mlp(points + self.mlp(points))
        return output


def _rotated(vectors: Tensor) -> Tensor:
    """Add a cyclic position code: rotate pairs of channels by whole multiples of the point's angle along the contour.

    The score of two rotated vectors depends on the distance between their points, not on the first point of the contour
    (rotary embedding, Su et al. 2021, arXiv 2104.09864). With whole multiples, the last point is next to the first.

    Args:
        vectors: (N, H, P, 2e); pair k, of channels k and e + k, makes k + 1 full turns along the contour.
    """
    p, pairs = vectors.shape[2], vectors.shape[3] // 2
    positions = torch.arange(p, device=vectors.device, dtype=torch.float32)
    turns = torch.arange(1, pairs + 1, device=vectors.device, dtype=torch.float32)
    angles = positions[:, None] * turns * (2 * math.pi / p)
    cos, sin = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    x, y = vectors.chunk(2, dim=-1)
    return torch.cat([x * cos - y * sin, x * sin + y * cos], dim=-1)
