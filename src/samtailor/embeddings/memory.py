"""Embeddings in memory alone: the cache of a caller who wants nothing on the disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import psutil
from torch import Tensor

from samtailor.embeddings.cache import CacheDtype, EmbeddingCache, EntryState
from samtailor.embeddings.encoder import Encoder, run_encoder
from samtailor.embeddings.entry import as_float32, storable
from samtailor.embeddings.upkeep import BaseStats

__all__ = ["MemoryCache"]

SHARE = 0.25
"""Share of the machine's memory that embeddings may take."""


class MemoryCache(EmbeddingCache):
    """Embeddings that live as long as this object; nothing is written. The bits are those of a cache on disk.

    Args:
        dtype: number type of kept values.
        limit_bytes: maximum size; the least recently used embeddings go first, and are computed again if they are
            needed. None is a quarter of the machine's memory.
    """

    def __init__(self, dtype: CacheDtype = "float16", limit_bytes: int | None = None) -> None:
        super().__init__(Path("memory"), dtype, limit_bytes or int(psutil.virtual_memory().total * SHARE))
        self._entries: OrderedDict[tuple[str, str], dict[str, Tensor]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<MemoryCache: {len(self._entries)} images, {self._bytes / 1e6:.1f} MB>"

    def has(self, base_fingerprint: str, key: str) -> bool:
        return (base_fingerprint, key) in self._entries

    def stats(self) -> list[BaseStats]:
        """Return nothing: this cache has no folder."""
        return []

    def prune(
        self,
        max_bytes: int | None = None,
        older_than_days: float | None = None,
        base: str | None = None,
        everything: bool = False,
    ) -> tuple[int, int]:
        """Forget everything if ``everything`` is set, or embeddings until at most ``max_bytes`` are kept."""
        with self._lock:
            count, size = len(self._entries), self._bytes
            self._shrink(0 if everything else size if max_bytes is None else max_bytes)
            return count - len(self._entries), size - self._bytes

    def get(self, base_fingerprint: str, key: str) -> dict[str, Tensor] | None:
        with self._lock:
            kept = self._entries.get((base_fingerprint, key))
            if kept is None:
                return None
            self._entries.move_to_end((base_fingerprint, key))
        return as_float32(kept)

    def verify(self, base_fingerprint: str, key: str) -> EntryState:
        return "good" if self.has(base_fingerprint, key) else "missing"

    def put(
        self,
        base_fingerprint: str,
        key: str,
        tensors: Mapping[str, Tensor],
        size: tuple[int, int],
        base_name: str = "",
    ) -> None:
        self._keep(base_fingerprint, key, storable(tensors, self.dtype))

    def embed(
        self, base: Encoder, key: str, image_fn: Callable[[], np.ndarray], *, strict: bool = True
    ) -> dict[str, Tensor]:
        kept = self.get(base.fingerprint, key)
        if kept is not None:
            return kept
        rounded = storable(run_encoder(base, [image_fn()])[0], self.dtype)
        self._keep(base.fingerprint, key, rounded)
        return as_float32(rounded)

    def _keep(self, fingerprint: str, key: str, tensors: dict[str, Tensor]) -> None:
        with self._lock:
            self._bytes += _size(tensors) - _size(self._entries.pop((fingerprint, key), {}))
            self._entries[fingerprint, key] = tensors
            self._shrink(self.limit_bytes or 0, least=1)

    def _shrink(self, limit: int, least: int = 0) -> None:
        while self._bytes > limit and len(self._entries) > least:
            self._bytes -= _size(self._entries.popitem(last=False)[1])


def _size(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
