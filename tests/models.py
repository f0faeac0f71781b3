"""Models for tests that bring their own embeddings."""

from __future__ import annotations

from pathlib import Path

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.embeddings.cache import EmbeddingCache

__all__ = ["model_of"]


def model_of(base: Base, adapter: Adapter | None = None) -> AdaptedModel:
    """Build a model whose cache is never used, because its images are embedded already."""
    return AdaptedModel.of(base, adapter, EmbeddingCache(Path("unused")))
