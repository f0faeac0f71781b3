"""Embeddings in memory: nothing is written to disk, and the least recently used make room for new ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import psutil
from torch import Tensor

from samtailor.embeddings.encoder import Encoder
from samtailor.embeddings.entry import CacheDtype, EntryState, Shapes, as_float32, storable
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import CacheError

__all__ = ["MemoryCache"]


class MemoryCache(EmbeddingStore):
    """Embeddings in the memory of this process, for `--no-cache` and for arrays.

    It returns the same bits as ``EmbeddingCache``. An image that had to make room is encoded again when needed.
    Several threads may use it.

    Args:
        dtype: number type of stored values. An image whose values do not fit float16 is stored as float32.
        limit_bytes: largest size. None: half of the memory that is available now.

    Raises:
        CacheError: ``dtype`` or ``limit_bytes`` is invalid.
    """

    def __init__(self, dtype: CacheDtype = "float16", limit_bytes: int | None = None) -> None:
        super().__init__(dtype)
        if limit_bytes is not None and limit_bytes <= 0:
            raise CacheError(
                f"Cache limit is {limit_bytes} bytes; expected more than 0, or None for half of the free memory.",
                "Raise the limit.",
            )
        self.limit_bytes = psutil.virtual_memory().available // 2 if limit_bytes is None else limit_bytes
        self._entries: OrderedDict[tuple[str, str], dict[str, Tensor]] = OrderedDict()
        self._used_bytes = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return (
            f"MemoryCache({len(self._entries)} images, {self._used_bytes / 1e6:.1f} of {self.limit_bytes / 1e6:.0f} MB)"
        )

    def has(self, base_fingerprint: str, key: str) -> bool:
        return (base_fingerprint, key) in self._entries

    def get(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> dict[str, Tensor] | None:
        with self._lock:
            tensors = self._entries.get((base_fingerprint, key))
            if tensors is None:
                return None
            self._entries.move_to_end((base_fingerprint, key))
        return as_float32(tensors)

    def verify(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> EntryState:
        return "missing" if self.get(base_fingerprint, key) is None else "good"

    def put(
        self,
        base_fingerprint: str,
        key: str,
        tensors: Mapping[str, Tensor],
        size: tuple[int, int],
        base_name: str = "",
    ) -> None:
        rounded = storable(tensors, self.dtype)
        with self._lock:
            self._used_bytes -= _bytes_of(self._entries.pop((base_fingerprint, key), {}))
            self._entries[base_fingerprint, key] = rounded
            self._used_bytes += _bytes_of(rounded)
            while self._used_bytes > self.limit_bytes:
                self._used_bytes -= _bytes_of(self._entries.popitem(last=False)[1])

    def _keep(self, base: Encoder, key: str, rounded: dict[str, Tensor], size: tuple[int, int], strict: bool) -> None:
        self.put(base.fingerprint, key, rounded, size)


def _bytes_of(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
