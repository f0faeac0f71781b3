"""Attention of the prompt tuner: tokens read each other and the image."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samtailor.adapters.image_residual import normalised

__all__ = ["PromptReader"]

GAIN = 0.3  # of the normalised image at first; SAM's projections then attend to a fifth fewer cells, and to content
SHARPNESS = (64.0, 15.0)  # divided by D; a mean over cells about 1 and 5 cells away at first
HEADS = 8


class PromptReader(nn.Module):
    """Tokens attend to each other, to the image, and to each other again.

    The first two attentions are those of SAM's first layer. In between, each prompt token also receives the image under
    it: a mean over cells whose positional encoding is near the token's own, since a token contains the encoding of its
    place. SAM's attention has 16 channels per head, too few to look at one place.

    Args:
        layer: the first layer of SAM's decoder; it is copied.
        from_sam: start from the weights of ``layer``; otherwise at random.
        normalise: read the normalised image.
        local: read the image under each prompt token.
    """

    def __init__(self, layer: Any, from_sam: bool, normalise: bool, local: bool) -> None:
        super().__init__()
        width = layer.layer_norm1.normalized_shape[0]
        self.self_attention, self.norm_self = deepcopy(layer.self_attn), deepcopy(layer.layer_norm1)
        self.image_attention, self.norm_image = deepcopy(layer.cross_attn_token_to_image), deepcopy(layer.layer_norm2)
        if not from_sam:
            for part in self.modules():
                if isinstance(part, nn.Linear | nn.LayerNorm):
                    part.reset_parameters()
        self.scale = nn.Parameter(torch.full((width,), GAIN)) if normalise else None
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS) / width) if local else None
        self.local = nn.Linear(width * len(SHARPNESS), width) if local else None
        self.norm_last = nn.LayerNorm(width)
        self.last_attention = nn.MultiheadAttention(width, HEADS, batch_first=True)

    def forward(self, start: Tensor, prompts: int, image: Tensor, positions: Tensor) -> Tensor:
        """Read the image.

        Args:
            start: (B, N, t, D), the last ``prompts`` of which are prompt tokens.
            prompts: T.
            image: (B, D, h, w).
            positions: (D, h, w).

        Returns:
            (B, N, t, D).
        """
        b, n, t, _ = start.shape
        clean = normalised(image)
        view = image if self.scale is None else clean * self.scale[:, None, None]
        cells, placed = (x.flatten(2).transpose(1, 2) for x in (view, view + positions))  # (B, hw, D)

        each = start.flatten(0, 1)
        tokens = self.norm_self(_attend(self.self_attention, each, each, each))
        queries = (tokens + each).reshape(b, n * t, -1)  # all prompts of an image share its keys and values
        seen = _attend(self.image_attention, queries, placed, cells).reshape(b * n, t, -1)
        tokens = self.norm_image(tokens + seen)
        if self.local is not None and prompts:
            under = self._under(start[:, :, t - prompts :], clean, positions)
            tokens = torch.cat([tokens[:, : t - prompts], tokens[:, t - prompts :] + under.flatten(0, 1)], dim=1)
        normed = self.norm_last(tokens)
        tokens = tokens + self.last_attention(normed, normed, normed, need_weights=False)[0]
        read: Tensor = tokens.reshape(b, n, t, -1)
        return read

    def _under(self, tokens: Tensor, image: Tensor, positions: Tensor) -> Tensor:
        """Read the image under prompt tokens (B, N, T, D) at each sharpness, and project it: (B, N, T, D)."""
        assert self.sharpness is not None and self.local is not None
        rows = image.flatten(2).transpose(1, 2)  # (B, hw, D)
        scores = tokens.flatten(1, 2) @ positions.flatten(1)  # (B, NT, hw)
        parts = [(scores * sharpness).softmax(-1).to(rows.dtype) @ rows for sharpness in self.sharpness]
        projected: Tensor = self.local(torch.cat(parts, dim=-1))
        return projected.reshape(tokens.shape)


def _attend(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Apply an attention of SAM's decoder to (B, q, D), (B, k, D) and (B, k, D)."""
    heads = attention.num_attention_heads
    q, k, v = (
        projection(x).unflatten(-1, (heads, -1)).transpose(1, 2)
        for projection, x in ((attention.q_proj, queries), (attention.k_proj, keys), (attention.v_proj, values))
    )
    attended = F.scaled_dot_product_attention(q, k, v, scale=attention.scaling)
    output: Tensor = attention.out_proj(attended.transpose(1, 2).flatten(2))
    return output
