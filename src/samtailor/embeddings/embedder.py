"""Embeddings of a task's images, on the base's device, through the cache."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from samtailor.bases.base import Base
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache

__all__ = ["Embedder"]


class Embedder:
    """Gives each image's embeddings; the encoder runs only for what the cache does not hold."""

    def __init__(self, base: Base, cache: EmbeddingCache) -> None:
        self.base = base
        self.cache = cache
        self._keys: dict[Path, str] = {}

    def of(self, record: ImageRecord) -> dict[str, Tensor]:
        """Named tensors (1, ...), float32, on the base's device."""
        key = self._keys.get(record.path)
        if key is None:
            key = self._keys[record.path] = image_key(record.path)
        found = self.cache.embed(self.base, key, lambda: read_image(record.path))
        return {name: tensor[None].to(self.base.device) for name, tensor in found.items()}
