"""Maps of the similarity between cells and what a prompt module has read, for offsets of the cells."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from samtailor.adapters.image_residual import normalised
from samtailor.bases.steering import Maps

__all__ = ["SimilarityMaps"]

CHANNELS = 16  # of the two vectors whose product is a similarity


class SimilarityMaps(nn.Module):
    """Computes r maps for each prompt: tanh of the product of a projected cell and a projected token.

    The vectors by which a decoder multiplies the maps are parameters and start at zero.

    Args:
        width: D.
        count: r.
        layers: of the decoder.
    """

    def __init__(self, width: int, count: int, layers: int) -> None:
        super().__init__()
        self.count = count
        self.norm = nn.LayerNorm(width)
        self.from_token = nn.Linear(width, count * CHANNELS)
        self.from_cell = nn.Linear(width, count * CHANNELS)
        self.from_place = nn.Linear(width, count * CHANNELS, bias=False)
        self.vectors = nn.Parameter(torch.zeros(layers, count, width))

    def forward(self, tokens: Tensor, image: Tensor, positions: Tensor) -> Maps:
        """Compute the maps of prompts, given a token of each (B, N, D), the image (B, D, h, w) and its positions."""
        cells = self.from_cell(normalised(image).flatten(2).transpose(1, 2))  # (B, hw, rC)
        cells = (cells + self.from_place(positions.flatten(1).t())).unflatten(-1, (self.count, CHANNELS))
        queries = self.from_token(self.norm(tokens)).unflatten(-1, (self.count, CHANNELS))
        products = torch.einsum("bcre,bnre->bnrc", cells, queries) / CHANNELS**0.5
        return Maps(torch.tanh(products).float(), self.vectors)
