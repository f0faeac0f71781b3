"""Attention from a few tokens to many image cells, in the cheapest order of evaluation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["few_token_attention"]


def few_token_attention(attention: nn.MultiheadAttention, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Compute ``attention(queries, keys, values)`` without projecting the cells.

    Per head, (q W_q) · (k W_k) = (q W_q W_k^T) · k, so the few queries are multiplied by the key matrix instead of the
    many keys. Values are summed over cells first, then projected. The key bias adds the same number to all scores of a
    query, so it cancels in the softmax. With t queries and c cells this takes about 2 H t c D products instead of
    2 c D².

    Args:
        attention: with biases, ``batch_first``, equal widths and no dropout.
        queries: (B, t, D).
        keys: (B, c, D).
        values: (B, c, D).

    Returns:
        (B, t, D).
    """
    heads, width = attention.num_heads, attention.embed_dim
    w_q, w_k, w_v = attention.in_proj_weight.chunk(3)
    b_q, _, b_v = attention.in_proj_bias.chunk(3)
    b, t, _ = queries.shape
    q = F.linear(queries, w_q, b_q).view(b, t, heads, -1)  # (B, t, H, D/H)
    q = torch.einsum("bthe,hed->bhtd", q, w_k.view(heads, -1, width)).flatten(1, 2)  # (B, Ht, D)
    scores = q @ keys.transpose(1, 2) / (width // heads) ** 0.5  # (B, Ht, c)
    attended = (scores.softmax(-1) @ values).view(b, heads, t, width)
    projected = torch.einsum("bhtd,hed->bthe", attended, w_v.view(heads, -1, width)).flatten(2)
    output: Tensor = attention.out_proj(projected + b_v)
    return output
