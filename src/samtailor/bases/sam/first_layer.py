"""The decoder's first layer sees an image that no prompt has touched: its projections serve all of its prompts.

Counted in multiply-adds they cost 402 M and save 165 M for each prompt. They are made even for a single one, so that an
answer depends less, in its last bits, on how many prompts come with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional as F

__all__ = ["FirstLayer", "project_first", "weight_of"]


class FirstLayer(NamedTuple):
    """What the first layer's attentions make of images; (G, H, c, e) each: H heads of e channels, c cells.

    Attributes:
        keys: of the tokens' look at the image.
        values: of the same.
        queries: of the image's look at the tokens.
    """

    keys: Tensor
    values: Tensor
    queries: Tensor


def project_first(decoder: Any, cells: Tensor, positions: Tensor) -> FirstLayer:
    """``cells`` (G, c, D) with the dense prompt added, ``positions`` (c, D)."""
    layer, placed = decoder.transformer.layers[0], cells + positions
    look, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    projected = _linear(look.k_proj, placed), _linear(look.v_proj, cells), _linear(back.q_proj, placed)
    heads = look.num_attention_heads
    return FirstLayer(*(rows.view(*rows.shape[:2], heads, -1).transpose(1, 2) for rows in projected))


def _linear(projection: Any, rows: Tensor) -> Tensor:
    return F.linear(rows, weight_of(projection).to(rows.dtype), projection.bias.to(rows.dtype))


def weight_of(projection: Any) -> Tensor:
    """The weight that ``projection`` acts with: one that peft has wrapped shows its plain one and keeps the change."""
    weight: Tensor = projection.weight
    if not hasattr(projection, "get_delta_weight") or projection.merged or projection.disable_adapters:
        return weight
    for name in projection.active_adapters:
        weight = weight + projection.get_delta_weight(name)
    return weight
