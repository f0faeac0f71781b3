"""A run of a few steps on the tiny base, shared by the tests of the public functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor import EmbeddingCache, FitConfig, fit_task
from samtailor.data.task import Task

SHORT = FitConfig(steps=3, batch=4, val_prompts=8, validations=1)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingCache:
    """A cache that keeps the embeddings of the tiny base for all these tests."""
    return EmbeddingCache(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def run(shapes: Task, tiny_sam_folder: Path, store: EmbeddingCache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; it was fitted by paths alone."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    fit_task(str(shapes.root), str(tiny_sam_folder), str(folder), SHORT, cache=str(store.root))
    return folder
