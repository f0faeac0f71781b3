"""Open what the options of several commands name: a task, a cache, a base."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from samtailor.cli.checks import check_cache_type
from samtailor.cli.options import CACHE_TYPE
from samtailor.cli.reading import ReadingOptions, option_words

if TYPE_CHECKING:
    from rich.console import Console

    from samtailor.bases.base import Base
    from samtailor.data import Task
    from samtailor.embeddings.store import EmbeddingStore

__all__ = ["open_base", "open_cache", "open_task", "open_task_of_run"]


def open_task(path: str, reading: ReadingOptions | None = None, only: str | None = None) -> Task:
    """Load a task.

    Args:
        path: what ``load_task`` reads.
        reading: how to read it; None for the defaults.
        only: keep only the instances of this class.
    """
    from samtailor.data import load_task

    return load_task(path, **asdict(reading or ReadingOptions()), only=only)


def open_task_of_run(run: Path, path: str | None, reading: ReadingOptions, console: Console) -> Task:
    """Load the task that a run is measured on, and say with which options of the run it is read.

    Args:
        run: the run folder.
        path: what ``load_task`` reads; None takes the task that the run was fitted on.
        reading: options of this command, which precede those of the run.
        console: where to say it.
    """
    from samtailor.cli.output import print_text
    from samtailor.runs import Run

    Run.of(run).card()  # so that a folder without an adapter is the first thing named
    task = Run.of(run).task(path=path, **reading.given)
    words = option_words({k: v for k, v in task.source.items() if k not in reading.given})
    if words:
        print_text(console, f"Read as for the fit: {words}.")
    return task


def open_cache(folder: Path | None, dtype: str = CACHE_TYPE, no_cache: bool = False) -> EmbeddingStore:
    """Open the embedding cache; ``folder`` None is the user's cache. With ``no_cache``, embeddings stay in memory."""
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.embeddings.memory import MemoryCache

    check_cache_type(dtype)
    if no_cache:
        if folder is not None:
            raise typer.BadParameter("choose --cache or --no-cache", param_hint="--no-cache")
        return MemoryCache(dtype=dtype)  # type: ignore[arg-type]
    return EmbeddingCache(folder, dtype=dtype)  # type: ignore[arg-type]


def open_base(name: str, device: str, reference_decoder: bool = False) -> Base:
    """Load a base on a device."""
    from samtailor.bases.registry import load_base
    from samtailor.machine.memory import keep_freed_memory

    keep_freed_memory()
    return load_base(name, device, reference_decoder)
