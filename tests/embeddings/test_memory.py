"""The store in memory returns the same bits as the one on disk, within its limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor.bases.base import Base
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import Embedder
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.memory import MemoryCache
from samtailor.errors import CacheError
from samtailor.machine.progress import Event, Note
from tests.embeddings.fake_encoder import KEY, PRINT_A, SIZE, FakeBase, equal, files, picture, tensors, write_pictures

ENTRY = 2 * (4 * 8 * 8 + 2 * 16 * 16)  # bytes of an entry in float16


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_memory_and_disk_give_the_same_bits(tmp_path: Path, dtype: str) -> None:
    memory, disk, base = MemoryCache(dtype=dtype), EmbeddingCache(tmp_path, dtype=dtype), FakeBase()  # type: ignore[arg-type]
    fresh = memory.embed(base, KEY, lambda: picture(1))
    assert equal(memory.embed(base, KEY, lambda: pytest.fail("the image was read again")), fresh)
    assert equal(disk.embed(base, KEY, lambda: picture(1)), fresh)


def test_a_stored_embedding_cannot_be_changed_by_its_user() -> None:
    memory = MemoryCache(dtype="float32")
    memory.put(PRINT_A, KEY, tensors(), SIZE)
    found = memory.get(PRINT_A, KEY)
    assert found is not None
    found["image"].zero_()
    assert equal(memory.get(PRINT_A, KEY), tensors())


def test_the_least_recently_used_entry_makes_room() -> None:
    memory = MemoryCache(limit_bytes=2 * ENTRY)
    for key in ("aa", "bb"):
        memory.put(PRINT_A, key, tensors(), SIZE)
    memory.get(PRINT_A, "aa")
    memory.put(PRINT_A, "cc", tensors(), SIZE)
    assert [memory.has(PRINT_A, key) for key in ("aa", "bb", "cc")] == [True, False, True]
    memory.put(PRINT_A, "cc", tensors(1), SIZE)  # replacing an entry takes no room
    assert memory.verify(PRINT_A, "aa") == "good"
    assert memory.verify(PRINT_A, "bb") == "missing"


def test_a_limit_of_nothing_raises_an_error() -> None:
    with pytest.raises(CacheError, match="limit is 0"):
        MemoryCache(limit_bytes=0)


def test_encoding_says_that_the_memory_is_too_small(tmp_path: Path) -> None:
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    encode_images(FakeBase(), write_pictures(tmp_path, 5), MemoryCache(limit_bytes=3 * ENTRY), listen)
    assert notes == ["The store has no room for 2 of 5 embeddings: they are computed each time."]


def test_arrays_leave_nothing_on_disk_and_files_do(tmp_path: Path, tiny_sam: Base) -> None:
    disk = EmbeddingCache(tmp_path / "cache")
    embedder = Embedder(tiny_sam, disk)
    frames = [picture(seed) for seed in range(12)]
    for frame in frames:
        embedder.open_picture(frame)
        embedder.open_picture(Image.fromarray(frame))
    assert files(tmp_path / "cache") == []
    Image.fromarray(frames[0]).save(tmp_path / "a.png")
    of_file = embedder.open_picture(tmp_path / "a.png").embeddings["image"]
    assert len(files(tmp_path / "cache")) == 1
    assert torch.equal(of_file, embedder.open_picture(frames[0]).embeddings["image"])


def test_an_array_that_comes_again_is_not_encoded_again(cache: EmbeddingCache) -> None:
    base, image = FakeBase(), np.zeros((20, 30, 3), np.uint8)
    for _ in range(3):
        cache.pictures.embed(base, KEY, lambda: image)
    assert base.encoded == 1
