"""Learned tokens appended to every prompt, after visual prompt tuning (Jia et al. 2022, arXiv 2203.12119)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Embeddings

__all__ = ["Tokens"]


class Tokens(Adapter):
    """f_P' = [f_P ; t_1 ... t_k]: the same k tokens for every prompt, k D parameters (2,048 by default).

    An untrained adapter is close to the base, but not equal to it: the tokens start as small noise (standard deviation
    0.02), and even tokens of zeros take a share of the decoder's attention. Therefore ``switch_off`` and strength 0
    remove the tokens; other strengths scale them.

    Args:
        width: D.
        count: k; 0 is the base.
    """

    method: ClassVar[str] = "tokens"
    peak_rate: ClassVar[float] = 3e-3  # 3e-4 is slower, 0.03 is worse (experiments/results/rates.md)
    starts_as_base: ClassVar[bool] = False

    def __init__(self, width: int, count: int = 8) -> None:
        super().__init__()
        self.tokens = nn.Parameter(0.02 * torch.randn(count, width))

    @property
    def config(self) -> dict[str, Any]:
        count, width = self.tokens.shape
        return {"width": width, "count": count}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        return torch.cat([sparse, self.tokens.expand(*sparse.shape[:2], -1, -1)], dim=2)

    def switch_off(self) -> None:
        self.tokens = nn.Parameter(self.tokens.detach()[:0])

    def tokens_at(self, strength: float, sparse: Tensor, adapted: Tensor) -> Tensor:
        appended = adapted[:, :, sparse.shape[2] :]
        return torch.cat([sparse, strength * appended], dim=2) if strength else sparse
