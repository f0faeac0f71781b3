"""Shared by tests of the cache and their subprocesses: a base that only encodes, images, entries."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache

PRINT_A = "a" * 40
PRINT_B = "b" * 40
KEY = "0123456789abcdef"
SIZE = (30, 20)


class FakeBase:
    """``encode`` returns image (B, 4, 8, 8) and fine (B, 2, 16, 16), computed from the pixels; images are counted."""

    def __init__(self, fingerprint: str = PRINT_A, name: str = "fake", sleep: float = 0.0, scale: float = 1.0) -> None:
        self.fingerprint, self.name, self.sleep, self.scale = fingerprint, name, sleep, scale
        self.encoded = 0
        self.batches: list[int] = []

    def embedding_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"image": (4, 8, 8), "fine": (2, 16, 16)}

    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        time.sleep(self.sleep)
        self.encoded += len(images)
        self.batches.append(len(images))
        rows = [torch.from_numpy(np.resize(image.astype(np.float32), 768)) / 255 - 0.3 for image in images]
        both = torch.stack(rows) * self.scale
        return {"image": both[:, :256].reshape(-1, 4, 8, 8), "fine": both[:, 256:].reshape(-1, 2, 16, 16)}


def picture(seed: int, height: int = 20, width: int = 30) -> np.ndarray:
    """(H, W, 3) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_pictures(folder: Path, count: int) -> list[ImageRecord]:
    """``count`` different PNG files and their records."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(count):
        path = folder / f"{number:03}.png"
        Image.fromarray(picture(number)).save(path)
        records.append(ImageRecord(path, width=30, height=20))
    return records


def tensors(seed: int = 0, scale: float = 1.0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "image": torch.randn(4, 8, 8, generator=generator) * scale,
        "fine": torch.randn(2, 16, 16, generator=generator) * scale,
    }


def equal(a: dict[str, Tensor] | None, b: dict[str, Tensor]) -> bool:
    return a is not None and a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def age(path: Path, days: float) -> None:
    used = time.time() - days * 86400
    os.utime(path, (used, used))


def put_many(cache: EmbeddingCache, count: int, fingerprint: str = PRINT_A, name: str = "fake") -> list[str]:
    """Store entries that were last used ``count``, ..., 1 days ago."""
    keys = [f"{number:02}{KEY}" for number in range(count)]
    for number, key in enumerate(keys):
        cache.put(fingerprint, key, tensors(number), SIZE, name)
        age(cache.path(fingerprint, key), days=count - number)
    return keys
