"""An adapter turned down: a part of the offset that it learned."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from samtailor.adapters.base import Adapter
from samtailor.bases.base import Embeddings

__all__ = ["Scaled"]


class Scaled(Adapter):
    """f_P + s (inner(f_P) - f_P): 0 is the base, 1 the adapter as it was fitted. Not saved; wraps at run time.

    Args:
        inner: a fitted adapter.
        strength: s, 0..1.
    """

    method: ClassVar[str] = "scaled"

    def __init__(self, inner: Adapter, strength: float) -> None:
        super().__init__()
        self.inner, self.strength = inner, strength

    @property
    def config(self) -> dict[str, Any]:
        return {"method": self.inner.method, "strength": self.strength, **self.inner.config}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor) -> Tensor:
        moved: Tensor = self.inner(sparse, embeddings, positions)
        return sparse.lerp(moved, self.strength)

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        return self.inner.owned_parameters()
