"""Open an embedding cache from what callers have: a folder, a cache, or True and False."""

from __future__ import annotations

from samtailor.embeddings.cache import CacheDtype, EmbeddingCache
from samtailor.embeddings.memory import MemoryCache
from samtailor.embeddings.store import EmbeddingStore
from samtailor.machine.arguments import AnyPath, as_path

__all__ = ["AnyCache", "as_cache"]

AnyCache = EmbeddingStore | AnyPath | bool | None
"""A cache, the path of its folder, None or True for the user's own cache, False to store nothing."""


def as_cache(cache: AnyCache = None, dtype: CacheDtype = "float16") -> EmbeddingStore:
    """Return a cache.

    Args:
        cache: a cache; a path, where its folder is or will be; None or True for the user's own; False to keep
            embeddings in memory alone.
        dtype: number type of stored values of a cache that is opened here.

    Raises:
        ArgumentError: ``cache`` is something else.
    """
    if isinstance(cache, EmbeddingStore):
        return cache
    if cache is None or cache is True:
        return EmbeddingCache(dtype=dtype)
    if cache is False:
        return MemoryCache(dtype=dtype)
    return EmbeddingCache(as_path(cache, "cache", "a path, an EmbeddingCache, True or False"), dtype=dtype)
