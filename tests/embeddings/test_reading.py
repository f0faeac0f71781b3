"""A picture and its key belong together, also if the file is replaced while it is read."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord
from samtailor.embeddings import embedder, encoding, reading
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import Embedder
from samtailor.embeddings.encoder import run_encoder
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.entry import as_float32, storable
from samtailor.embeddings.reading import read_picture
from samtailor.errors import ImageError
from tests.embeddings.fake_encoder import FakeBase, equal, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, and ``live.png``, a copy of the first."""
    for seed, name in enumerate("ab"):
        Image.fromarray(picture(seed, 300, 400)).save(tmp_path / f"{name}.png", compress_level=1)
    shutil.copy(tmp_path / "a.png", tmp_path / "live.png")
    return tmp_path


@contextmanager
def camera(folder: Path, pause: float) -> Iterator[None]:
    """Replace ``live.png`` by one of the two pictures all the time, whole and atomically."""
    stop = threading.Event()

    def replace() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            shutil.copy(folder / f"{'ab'[turn % 2]}.png", folder / "next.png")
            (folder / "next.png").replace(folder / "live.png")
            time.sleep(pause)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("pause", [0.0, 0.003])
def test_the_key_is_that_of_the_decoded_picture(folder: Path, pause: float) -> None:
    pictures = {image_key(folder / f"{name}.png"): read_image(folder / f"{name}.png") for name in "ab"}
    with camera(folder, pause):
        for _ in range(60):
            found = read_picture(folder / "live.png")
            assert np.array_equal(found.pixels, pictures[found.key])


def replaced_after_hashing(monkeypatch: pytest.MonkeyPatch, module: object, folder: Path) -> None:
    """Replace ``live.png`` by the second picture right after its key was computed."""

    def key(path: Path) -> str:
        found = image_key(path)
        shutil.copy(folder / "b.png", folder / "next.png")
        (folder / "next.png").replace(folder / "live.png")
        return found

    monkeypatch.setattr(module, "image_key", key)


def test_an_image_that_changes_after_it_was_hashed_is_stored_under_its_new_key(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, cache = FakeBase(), EmbeddingCache(tmp_path / "cache")
    expected = as_float32(storable(run_encoder(base, read_image(folder / "b.png")), "float16"))
    with monkeypatch.context() as patch:
        replaced_after_hashing(patch, encoding, folder)
        encode_images(base, [ImageRecord(folder / "live.png", width=400, height=300)], cache)
    assert cache.get(base.fingerprint, image_key(folder / "a.png")) is None
    assert equal(cache.get(base.fingerprint, image_key(folder / "b.png")), expected)


def test_an_image_of_a_task_that_changes_after_it_was_hashed_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, cache = FakeBase(), EmbeddingCache(tmp_path / "cache")
    replaced_after_hashing(monkeypatch, embedder, folder)
    with pytest.raises(ImageError, match="replaced by another image"):
        Embedder(base, cache).open(ImageRecord(folder / "live.png", width=400, height=300))  # type: ignore[arg-type]
    assert not any(cache.has(base.fingerprint, image_key(folder / f"{name}.png")) for name in "ab")


def test_a_file_that_always_changes_is_read_from_a_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter(range(100))
    monkeypatch.setattr(reading, "_state", lambda path: (next(states),))
    found = read_picture(folder / "live.png")
    assert found.key == image_key(folder / "a.png")
    assert np.array_equal(found.pixels, read_image(folder / "a.png"))


def test_missing_files_and_pipes_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent\.png"):
        read_picture(tmp_path / "absent.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match=r"pipe\.png"):
        read_picture(tmp_path / "pipe.png")
