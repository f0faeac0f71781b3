"""One constant learned offset per kind of prompt token: what can be had without looking at the image."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import TOKEN_KINDS, Embeddings

__all__ = ["Offset"]


class Offset(Adapter):
    """f_P' = f_P + o[kind of the token]; the offsets start at zero, so that an untrained one is the base, bit for bit.

    5 D parameters: foreground and background clicks, the "not a point" that pads clicks, a box's two corners. A kind
    that a fit never meets keeps its zero: fitted on clicks, boxes are answered as the base does.

    Args:
        width: D.
    """

    method: ClassVar[str] = "offset"
    trains: ClassVar[str] = "a constant offset for each kind of prompt token"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.offsets = nn.Parameter(torch.zeros(len(TOKEN_KINDS), width))

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.offsets.shape[1]}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        if kinds is None:
            raise TypeError("offset needs the kinds of the tokens; Base.token_kinds gives them")
        return sparse + self.offsets[kinds]
