"""One constant learned offset per kind of prompt token: a baseline that does not use the image."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import TOKEN_KINDS, Embeddings

__all__ = ["Offset"]


class Offset(Adapter):
    """f_P' = f_P + o[kind of the token]. The offsets start at zero, so an untrained adapter is the base, bit for bit.

    It has 5 D parameters: for foreground and background clicks, the "not a point" that pads clicks, and the two corners
    of a box. A kind that does not occur in a fit keeps its zero: after a fit on clicks, boxes give the base's masks.

    Args:
        width: D.
    """

    method: ClassVar[str] = "offset"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.offsets = nn.Parameter(torch.zeros(len(TOKEN_KINDS), width))

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.offsets.shape[1]}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        if kinds is None:
            raise TypeError("offset needs the kinds of the tokens; pass the result of Base.token_kinds")
        return sparse + self.offsets[kinds]
