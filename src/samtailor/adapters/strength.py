"""An adapter at a lower strength, between the base and the fitted adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor, nn

from samtailor.adapters.contract import Adapter, Changes
from samtailor.bases.base import Base, Embeddings
from samtailor.bases.steering import Memory

__all__ = ["Scaled"]


class Scaled(Adapter):
    """Interpolates all changes between the base (strength 0) and ``inner`` (strength 1).

    It wraps an adapter at run time and is not saved.

    Args:
        inner: a fitted adapter.
        strength: s, 0..1; for a PLM the tokens are f_P + s (inner(f_P) - f_P).
        base: the base of ``inner``.
    """

    method: ClassVar[str] = "scaled"

    def __init__(self, inner: Adapter, strength: float, base: Base) -> None:
        super().__init__()
        self.inner, self.strength = inner, strength
        self.mask_token = inner.mask_token if strength else 0
        self.leaves_base = inner.leaves_base or not strength
        self.reads_words, self.names, self.vocabulary = inner.reads_words, inner.names, inner.vocabulary
        self.scaled_decoder = inner.decoder_at(strength, base)

    @property
    def config(self) -> dict[str, Any]:
        return {"method": self.inner.method, "strength": self.strength, **self.inner.config}

    def changes(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor) -> Changes:
        full = self.inner.changes(sparse, embeddings, positions, kinds)
        scaled = {name: value.lerp(full.embeddings[name], self.strength) for name, value in embeddings.items()}
        tokens = self.inner.tokens_at(self.strength, sparse, full.sparse)
        steering = None if full.steering is None else full.steering.scaled(self.strength)
        return Changes(scaled, tokens, steering, self.scaled_decoder)

    def read_words(self, words: Sequence[str]) -> Memory | None:
        memory = self.inner.read_words(words)
        return None if memory is None else replace(memory, weights=self.strength * memory.weights)

    @property
    def decoder(self) -> nn.Module | None:
        return self.scaled_decoder

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        return self.inner.owned_parameters()

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        return self.inner.kept_parameters()
