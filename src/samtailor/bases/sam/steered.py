"""SAM's two-way transformer with steering, in transformers' order of evaluation: the reference of the fast decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from samtailor.bases.steering import Steering

__all__ = ["steered_transformer"]


def steered_transformer(
    transformer: Any, start: Tensor, cells: Tensor, positions: Tensor, steering: Steering
) -> tuple[Tensor, Tensor]:
    """Compute what ``SamTwoWayTransformer`` computes, with steering.

    Args:
        transformer: transformers' module.
        start: (BN, 1, t, D).
        cells: (BN, D, h, w).
        positions: (hw, D).
        steering: changes of the tokens.

    Returns:
        tokens (BN, 1, t, D) and cells (BN, 1, hw, D).
    """
    tokens, cells = start, cells.flatten(2).transpose(1, 2)[:, None]
    for i, layer in enumerate(transformer.layers):
        if layer.skip_first_layer_pe:
            tokens = _attend(layer.self_attn, tokens, tokens, tokens, steering.extra(i, 0))
        else:
            placed = tokens + start
            tokens = tokens + _attend(layer.self_attn, placed, placed, tokens, steering.extra(i, 0))
        tokens = layer.layer_norm1(tokens)
        tokens = tokens + _attend(layer.cross_attn_token_to_image, tokens + start, cells + positions, cells)
        tokens = layer.layer_norm2(tokens)
        tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
        tokens = _moved(steering, i, tokens)
        attention = layer.cross_attn_image_to_token
        cells = cells + _attend(attention, cells + positions, tokens + start, tokens, steering.extra(i, 1))
        cells = layer.layer_norm4(steering.shifted(i, cells[:, 0])[:, None])
    tokens = tokens + _attend(transformer.final_attn_token_to_image, tokens + start, cells + positions, cells)
    tokens = transformer.layer_norm_final_attn(tokens)
    return _moved(steering, len(transformer.layers), tokens), cells


def _attend(
    attention: Any, queries: Tensor, keys: Tensor, values: Tensor, extra: Sequence[tuple[Tensor, Tensor]] = ()
) -> Tensor:
    attended: Tensor = attention(queries, keys, values)[0]
    for tokens, weight in extra:
        read: Tensor = attention(queries, tokens[:, None], tokens[:, None])[0] - attention.out_proj.bias
        attended = attended + weight[..., None] * read
    return attended


def _moved(steering: Steering, stage: int, tokens: Tensor) -> Tensor:
    return steering.moved(stage, tokens[:, 0])[:, None]
