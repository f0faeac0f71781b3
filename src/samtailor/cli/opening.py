"""Open what the options of several commands name: a task, a cache, a base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from samtailor.cli.options import CACHE_TYPE

if TYPE_CHECKING:
    from samtailor.bases.base import Base
    from samtailor.data import Task
    from samtailor.embeddings.store import EmbeddingStore

__all__ = ["open_base", "open_cache", "open_task"]


def open_task(
    path: str, format: str | None = None, split_by: str | None = None, boxes: bool = False, only: str | None = None
) -> Task:
    """Load a task."""
    from samtailor.data import load_task

    return load_task(path, format=format, split_by=split_by, boxes_as_masks=boxes, only=only)


def open_cache(folder: Path | None, dtype: str = CACHE_TYPE, no_cache: bool = False) -> EmbeddingStore:
    """Open the embedding cache; ``folder`` None is the user's cache. With ``no_cache``, embeddings stay in memory."""
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.embeddings.memory import MemoryCache

    if dtype not in ("float16", "float32"):
        raise typer.BadParameter("choose float16 or float32", param_hint="--cache-type")
    if no_cache:
        if folder is not None:
            raise typer.BadParameter("choose --cache or --no-cache", param_hint="--no-cache")
        return MemoryCache(dtype)  # type: ignore[arg-type]
    return EmbeddingCache(folder, dtype=dtype)  # type: ignore[arg-type]


def open_base(name: str, device: str, reference_decoder: bool = False) -> Base:
    """Load a base on a device."""
    from samtailor.bases.registry import load_base
    from samtailor.machine.device import choose_device
    from samtailor.machine.memory import keep_freed_memory

    keep_freed_memory()
    return load_base(name, choose_device(device), reference_decoder)
