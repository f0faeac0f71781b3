"""What every trainable method is."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

from torch import Tensor, nn

from samtailor.bases.base import Embeddings

__all__ = ["Adapter"]


class Adapter(nn.Module, abc.ABC):
    """A method that changes how a frozen base answers prompts; identity before training.

    Everything in ``owned_parameters`` is trained, saved and loaded; nothing else is.
    """

    method: ClassVar[str]

    @property
    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The numbers that build this adapter again: ``type(self)(**config)``."""

    @abc.abstractmethod
    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor) -> Tensor:
        """New prompt tokens (B, N, T, D) from tokens, the image's embeddings and their positions (D, h, w)."""

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        """Name -> parameter."""
        return dict(self.named_parameters())

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.owned_parameters().values())
