"""The embedding cache returns what was stored, or nothing."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor.bases.base import Base
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord
from samtailor.embeddings import reading
from samtailor.embeddings.cache import EmbeddingCache, default_cache_root
from samtailor.embeddings.embedder import Embedder
from samtailor.embeddings.encoder import run_encoder
from samtailor.embeddings.entry import pack
from samtailor.embeddings.memory import MemoryCache
from samtailor.errors import BaseModelError, CacheError, ImageError
from tests.embeddings.fake_encoder import KEY, PRINT_A, PRINT_B, SIZE, FakeBase, age, equal, files, picture, tensors

# --- round trip


def test_float32_comes_back_bit_equal(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, dtype="float32")
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert equal(cache.get(PRINT_A, KEY), tensors())


def test_float16_comes_back_rounded_as_float32(cache: EmbeddingCache) -> None:
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    embedding = cache.get(PRINT_A, KEY)
    assert equal(embedding, {name: t.half().float() for name, t in tensors().items()})
    assert embedding is not None
    assert {t.dtype for t in embedding.values()} == {torch.float32}


def test_reading_a_missing_entry_creates_no_folders(cache: EmbeddingCache) -> None:
    assert not cache.has(PRINT_A, KEY)
    assert cache.get(PRINT_A, KEY) is None
    assert cache.verify(PRINT_A, KEY) == "missing"
    assert not cache.root.exists()  # reading makes no folders
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert files(cache.root) == [cache.root / ("a" * 16 + "-float16") / "01" / f"{KEY}.safetensors"]
    assert cache.has(PRINT_A, KEY)
    assert cache.verify(PRINT_A, KEY) == "good"
    assert not cache.has(PRINT_B, KEY)
    assert EmbeddingCache(cache.root, dtype="float32").get(PRINT_A, KEY) is None


def test_views_aliases_and_odd_layouts_can_be_stored(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, dtype="float32")
    batch = torch.randn(3, 4, 8, 8)
    odd = {"image": batch[1], "same": batch[1], "transposed": batch[0].transpose(0, 2), "scalar": torch.tensor(3.0)}
    odd["bfloat16"] = batch[2].bfloat16()
    cache.put(PRINT_A, KEY, odd, SIZE)
    assert equal(cache.get(PRINT_A, KEY), {name: t.float() for name, t in odd.items()})


def test_values_too_large_for_float16_are_kept_in_float32(cache: EmbeddingCache) -> None:
    large = tensors(scale=1e6)
    cache.put(PRINT_A, KEY, large, SIZE)
    assert equal(cache.get(PRINT_A, KEY), large)
    base = FakeBase(scale=1e6)
    fresh = cache.embed(base, "f" + KEY, lambda: picture(1))
    assert equal(cache.embed(base, "f" + KEY, lambda: picture(1)), fresh)
    assert base.encoded == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_raise_an_error(cache: EmbeddingCache, value: float) -> None:
    broken = tensors()
    broken["fine"][0, 3, 3] = value
    with pytest.raises(CacheError, match="not finite in 'fine'"):
        cache.put(PRINT_A, KEY, broken, SIZE)
    with pytest.raises(CacheError, match="no tensors"):
        cache.put(PRINT_A, KEY, {}, SIZE)
    assert not cache.root.exists()


@pytest.mark.parametrize("key", ["", "a", "../../x", "a/b", ".hidden", "x" * 200])
def test_a_key_cannot_leave_the_folder(cache: EmbeddingCache, key: str) -> None:
    for call in (cache.get, cache.has, cache.verify):
        with pytest.raises(CacheError, match="Cache key"):
            call(PRINT_A, key)
    with pytest.raises(CacheError, match="Cache fingerprint"):
        cache.put("../x", KEY, tensors(), SIZE)


def test_wrong_arguments_raise_an_error(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="dtype is 'int8'"):
        EmbeddingCache(tmp_path, dtype="int8")  # type: ignore[arg-type]
    with pytest.raises(CacheError, match="limit is 0"):
        EmbeddingCache(tmp_path, limit_bytes=0)


def test_the_environment_variable_sets_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAMTAILOR_CACHE", str(tmp_path / "own"))
    assert EmbeddingCache().root == default_cache_root() == tmp_path / "own"
    monkeypatch.delenv("SAMTAILOR_CACHE")
    assert default_cache_root().parts[-2:] == ("samtailor", "embeddings") or sys.platform == "win32"


# --- embed


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_embed_gives_the_same_bits_fresh_and_cached(tmp_path: Path, dtype: Any) -> None:
    cache, base = EmbeddingCache(tmp_path, dtype=dtype), FakeBase()
    fresh = cache.embed(base, KEY, lambda: picture(1))
    assert equal(cache.embed(base, KEY, lambda: pytest.fail("the image was read again")), fresh)
    assert equal(EmbeddingCache(tmp_path, dtype=dtype).get(PRINT_A, KEY), fresh)
    assert base.encoded == 1
    assert fresh["image"].shape == (4, 8, 8)


def test_embeddings_can_be_trained_on(cache: EmbeddingCache) -> None:
    class InferenceBase(FakeBase):
        def encode(self, images: Any) -> dict[str, torch.Tensor]:
            with torch.inference_mode():
                return {name: tensor + 0 for name, tensor in super().encode(images).items()}

    for root in (cache.root, cache.root / "32"):
        fresh = EmbeddingCache(root, dtype="float32").embed(InferenceBase(), KEY, lambda: picture(1))
        weight = torch.ones(4, 1, 1, requires_grad=True)
        torch.autograd.backward((fresh["image"] * weight).sum())
        assert weight.grad is not None


def test_encoder_output_of_the_wrong_shape_raises_an_error() -> None:
    class Wrong(FakeBase):
        def encode(self, images: Any) -> dict[str, torch.Tensor]:
            return {"image": torch.zeros(4, 8, 8)}

    with pytest.raises(BaseModelError, match=r"'fake' returned .*\(4, 8, 8\).* for 1 image"):
        run_encoder(Wrong(), picture(1))


# --- damage


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(2000))


@pytest.mark.parametrize("damage", [flip, truncate, empty, noise])
def test_damaged_entries_are_reported_and_rebuilt(
    cache: EmbeddingCache, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    base = FakeBase()
    before = cache.embed(base, KEY, lambda: picture(1))
    path = cache.path(PRINT_A, KEY)
    damage(path)
    assert cache.has(PRINT_A, KEY) == (damage is not empty)
    with caplog.at_level(logging.WARNING):
        assert cache.get(PRINT_A, KEY) is None
    assert "damaged" in caplog.text
    assert str(path) in caplog.text
    assert cache.damaged == [path]
    assert not path.exists()
    assert equal(cache.embed(base, KEY, lambda: picture(1)), before)
    assert cache.verify(PRINT_A, KEY) == "good"
    assert base.encoded == 2


def test_a_flipped_byte_never_changes_the_embedding(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache.put(PRINT_A, KEY, {"image": torch.randn(2, 3, 3)}, SIZE, "fake")
    path = cache.path(PRINT_A, KEY)
    good, data = cache.get(PRINT_A, KEY), path.read_bytes()
    assert good is not None
    logging.disable(logging.WARNING)
    try:
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x21]) + data[place + 1 :])
            embedding = cache.get(PRINT_A, KEY)
            assert embedding is None or equal(embedding, good), f"byte {place}"
        for length in range(0, len(data), 7):
            path.write_bytes(data[:length])
            assert cache.get(PRINT_A, KEY) is None, f"first {length} bytes"
    finally:
        logging.disable(logging.NOTSET)


def test_an_entry_of_another_base_or_image_is_rejected(cache: EmbeddingCache) -> None:
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    for fingerprint, key in ((PRINT_B, KEY), (PRINT_A, KEY[::-1]), ("a" * 16 + "b" * 24, KEY)):
        path = cache.path(fingerprint, key)
        if not path.exists():
            path.parent.mkdir(parents=True)
            shutil.copy(cache.path(PRINT_A, KEY), path)
        assert cache.get(fingerprint, key) is None
        assert cache.damaged[-1] == path


def test_an_entry_that_cannot_be_read_now_is_not_removed(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", raising(errno.EMFILE))
        assert cache.get(PRINT_A, KEY) is None
    assert "cannot be read" in caplog.text
    assert cache.damaged == []
    assert cache.verify(PRINT_A, KEY) == "good"


# --- a cache that cannot be written


def raising(number: int) -> Any:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number), str(self))

    return call


def opening(target: str) -> Any:
    """``Path.open`` that opens ``target`` in place of temporary files."""
    true_open = Path.open

    def call(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return true_open(Path(target), "wb") if mode == "xb" else true_open(self, mode, *args, **kwargs)

    return call


def test_a_root_that_is_a_file_raises_an_error(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_text("a user file")
    cache = EmbeddingCache(root)
    assert cache.get(PRINT_A, KEY) is None
    assert cache.stats() == []
    with pytest.raises(CacheError, match=r"cannot be written.*--cache DIR.*SAMTAILOR_CACHE"):
        cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert root.read_text() == "a user file"


@pytest.mark.parametrize("verb", ["open", "replace", "mkdir"])
def test_a_folder_that_is_not_writable_raises_an_error(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, verb, raising(errno.EACCES))
        with pytest.raises(CacheError, match="Permission denied"):
            cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert files(cache.root) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_raises_an_error(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(PRINT_A, "ab" + KEY, tensors(), SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opening("/dev/full"))
        with pytest.raises(
            CacheError,
            match=r"full: the next entry needs \d.* free\. Entries already stored are kept.*--prune.*--cache",
        ):
            cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert files(cache.root) == [cache.path(PRINT_A, "ab" + KEY)]
    assert cache.verify(PRINT_A, "ab" + KEY) == "good"


def test_a_full_disk_at_the_rename_leaves_no_temporary_file(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", raising(errno.ENOSPC))
        with pytest.raises(CacheError, match="is full"):
            cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert files(cache.root) == []


def test_an_interrupt_leaves_no_temporary_file(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cache.put(PRINT_A, KEY, tensors(), SIZE)
    assert files(cache.root) == []


def test_embed_continues_without_a_cache_and_warns_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    cache, base = EmbeddingCache(tmp_path / "file"), FakeBase()
    with pytest.raises(CacheError):
        cache.embed(base, KEY, lambda: picture(1))
    embedding = cache.embed(base, KEY, lambda: picture(1), strict=False)
    cache.embed(base, KEY, lambda: picture(1), strict=False)
    assert caplog.text.count("Continuing without storing") == 1
    assert equal(embedding, EmbeddingCache(tmp_path / "good").embed(base, KEY, lambda: picture(1)))


def test_a_read_only_cache_can_be_read(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(PRINT_A, KEY, tensors(), SIZE)
    age(cache.path(PRINT_A, KEY), days=2)
    monkeypatch.setattr(os, "utime", raising(errno.EROFS))
    monkeypatch.setattr(Path, "unlink", raising(errno.EROFS))
    assert cache.get(PRINT_A, KEY) is not None
    flip(cache.path(PRINT_A, KEY))
    assert cache.get(PRINT_A, KEY) is None
    with pytest.raises(CacheError, match="cannot be removed"):
        cache.prune(everything=True)


def test_an_embedding_does_not_depend_on_the_callers_autocast(tiny_sam: Base, tmp_path: Path) -> None:
    """A training step in bfloat16 that has to encode an image again must not store a bfloat16 embedding."""
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    plain = EmbeddingCache(tmp_path / "a").embed(tiny_sam, "key", lambda: image)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = EmbeddingCache(tmp_path / "b").embed(tiny_sam, "key", lambda: image)
    assert all(torch.equal(inside[name], tensor) for name, tensor in plain.items())


# --- an entry with a right checksum that does not fit the base


FORGED = {
    "another name": {"other": torch.zeros(4, 8, 8), "fine": torch.zeros(2, 16, 16)},
    "a name too few": {"image": torch.zeros(4, 8, 8)},
    "a name too many": {**tensors(), "extra": torch.zeros(1)},
    "another size": {"image": torch.zeros(4, 1, 1), "fine": torch.zeros(2, 16, 16)},
    "another width": {"image": torch.zeros(3, 8, 8), "fine": torch.zeros(2, 16, 16)},
    "no numbers": {"image": torch.zeros(0), "fine": torch.zeros(2, 16, 16)},
    "integers": {"image": torch.zeros(4, 8, 8, dtype=torch.int64), "fine": torch.zeros(2, 16, 16)},
    "float64": {"image": torch.zeros(4, 8, 8, dtype=torch.float64), "fine": torch.zeros(2, 16, 16)},
    "float8": {"image": torch.zeros(4, 8, 8).to(torch.float8_e4m3fn), "fine": torch.zeros(2, 16, 16)},
    "complex": {"image": torch.zeros(4, 8, 8, dtype=torch.complex64), "fine": torch.zeros(2, 16, 16)},
    "huge": {"image": torch.full((4, 8, 8), 1e37), "fine": torch.zeros(2, 16, 16)},
    "NaN": {"image": torch.full((4, 8, 8), float("nan")), "fine": torch.zeros(2, 16, 16)},
    "infinity": {"image": torch.full((4, 8, 8), float("inf")).half(), "fine": torch.zeros(2, 16, 16)},
}


@pytest.mark.parametrize("kind", FORGED)
def test_an_entry_that_does_not_fit_the_base_is_reported_and_rebuilt(
    cache: EmbeddingCache, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    base = FakeBase()
    sound = cache.embed(base, KEY, lambda: picture(1))
    path = cache.path(PRINT_A, KEY)
    path.write_bytes(pack(PRINT_A, KEY, FORGED[kind], SIZE))
    assert equal(cache.embed(base, KEY, lambda: picture(1)), sound)
    assert (base.encoded, cache.damaged) == (2, [path])
    assert "expected" in caplog.text or "not finite" in caplog.text
    path.write_bytes(pack(PRINT_A, KEY, FORGED[kind], SIZE))
    assert cache.verify(PRINT_A, KEY, base.embedding_shapes()) == "damaged"


# --- what is stored depends on the image and the base alone


def test_a_file_that_is_replaced_while_it_is_read_is_stored_under_its_own_key(
    cache: EmbeddingCache, tiny_sam: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, old, new = (tmp_path / name for name in ("live.png", "old.png", "new.png"))
    for seed, path in enumerate((old, new)):
        Image.fromarray(picture(seed)).save(path)
    shutil.copy(old, live)

    def read_late(path: Path) -> np.ndarray:
        shutil.copy(new, live)
        return read_image(path)

    monkeypatch.setattr(reading, "read_image", read_late)
    opened = Embedder(tiny_sam, cache).open_picture(live)
    monkeypatch.undo()
    assert cache.get(tiny_sam.fingerprint, image_key(old)) is None
    of_new = cache.get(tiny_sam.fingerprint, image_key(new))
    assert of_new is not None
    assert torch.equal(of_new["image"], opened.embeddings["image"][0])
    assert torch.equal(of_new["image"], MemoryCache().embed(tiny_sam, "key", lambda: picture(1))["image"])


def test_an_image_of_a_task_that_is_replaced_raises_an_error(
    cache: EmbeddingCache, tiny_sam: Base, tmp_path: Path
) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    embedder, record = Embedder(tiny_sam, cache), ImageRecord(tmp_path / "a.png", 30, 20)
    embedder.open(record)
    shutil.rmtree(cache.root)
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png was replaced by another image"):
        embedder.open(record)
    assert not cache.root.exists()


@pytest.mark.parametrize("wrapper", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_an_embedding_does_not_depend_on_the_callers_mode_and_can_be_trained_on(tiny_sam: Base, wrapper: Any) -> None:
    plain = MemoryCache().embed(tiny_sam, KEY, lambda: picture(1))
    memory = MemoryCache(dtype="float32")
    with wrapper():
        memory.embed(tiny_sam, KEY, lambda: picture(1))
    found = memory.get(tiny_sam.fingerprint, KEY)
    assert found is not None
    assert torch.equal(found["image"].half().float(), plain["image"])
    weight = torch.ones(1, requires_grad=True)
    torch.autograd.backward((found["image"] * weight).sum())
