"""few_token_attention equals PyTorch's own attention."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from samtailor.adapters.attention import few_token_attention


@pytest.mark.parametrize("tokens", [1, 2, 7])
def test_outputs_and_gradients_equal_those_of_torch(tokens: int) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(32, 4, batch_first=True)
    nn.init.normal_(attention.in_proj_bias)
    results = {}
    queries, keys, values = torch.randn(2, tokens, 32), torch.randn(2, 50, 32), torch.randn(2, 50, 32)
    weight = torch.randn(2, tokens, 32)
    for name in ("torch", "ours"):
        attention.zero_grad()
        q = queries.clone().requires_grad_()
        if name == "torch":
            out = attention(q, keys, values, need_weights=False)[0]
        else:
            out = few_token_attention(attention, q, keys, values)
        (out * weight).sum().backward()
        results[name] = [out, q.grad, *(p.grad for p in attention.parameters())]
    for a, b in zip(results["torch"], results["ours"], strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert results["torch"][1].abs().max() > 1e-3  # the gradients are not all zero
