"""Fixtures and settings shared by all tests."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = (
    "1"  # before any import, because the hub's client reads it once; no test uses the network
)

import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.bases.registry import load_base
from samtailor.data import Task, load_task
from samtailor.embeddings.cache import EmbeddingCache
from tests.models import save_tiny_sam

os.environ.setdefault("COLUMNS", "200")  # so that printed lines are not wrapped within a text that a test expects

# A shell that starts the tests in the background lets them ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of task data and golden files next to the repository; the test is skipped if it is missing."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip(f"needs the folder {path.name}/ next to the repository, which is missing")
    return path


@pytest.fixture(scope="session")
def mobile_sam() -> Base:
    """The bundled base."""
    return load_base(device="cpu")


@pytest.fixture(scope="session")
def tiny_sam_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer SAM with 64-pixel input (4 x 4 cells, low-res side 16) as transformers saves it."""
    return save_tiny_sam(tmp_path_factory.mktemp("tiny-sam"))


@pytest.fixture(scope="session")
def tiny_sam(tiny_sam_folder: Path) -> Base:
    """The base in ``tiny_sam_folder``."""
    return load_base(str(tiny_sam_folder), "cpu")


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A small task of bright discs and bars on dark ground, two classes: 8 train, 4 val, 4 test images of 64 x 48."""
    root = tmp_path_factory.mktemp("shapes")
    (root / "classes.json").write_text('{"1": "disc", "2": "bar"}')
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :64]
    for split, count in (("train", 8), ("val", 4), ("test", 4)):
        for folder in ("images", "masks"):
            (root / split / folder).mkdir(parents=True)
        for i in range(count):
            y, x = rng.integers(12, 36), rng.integers(12, 28)
            labels = np.where((rows - y) ** 2 + (columns - x) ** 2 < 81, 1, 0)
            labels[10:40, 45 : 50 + i] = 2
            image = np.where(labels[..., None] > 0, (200, 180, 90 * labels.max()), (20, 30, 40))
            noisy = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(root / split / "images" / f"{i}.png")
            Image.fromarray(labels.astype(np.uint8)).save(root / split / "masks" / f"{i}.png")
    return load_task(root)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    """An empty cache for one test."""
    return EmbeddingCache(tmp_path / "cache")


@pytest.fixture
def moved_plm(tiny_sam: Base) -> PLM:
    """An adapter of the tiny base that changes masks."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plm = PLM(width=tiny_sam.embed_dim)
        torch.nn.init.normal_(plm.mlp[-1].weight, std=3.0)
    return plm.eval()
