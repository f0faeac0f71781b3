"""Encoding ahead of time: no image is encoded twice, and no stored embedding is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from samtailor.data.pixels.images import image_key
from samtailor.data.task import ImageRecord
from samtailor.embeddings import encoding
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.reading import ReadPicture
from samtailor.errors import CacheError, DataError
from samtailor.machine.progress import Count, Event
from tests.embeddings.fake_encoder import PRINT_A, FakeBase, picture, write_pictures


@pytest.fixture
def records(tmp_path: Path) -> list[ImageRecord]:
    return write_pictures(tmp_path / "images", 7)


def entries(cache: EmbeddingCache) -> int:
    return sum(row["entries"] for row in cache.stats())


def test_all_images_are_encoded_once_and_one_at_a_time(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    base = FakeBase()
    report = encode_images(base, records, cache)
    assert (report.total, report.already, report.encoded, report.rebuilt, report.failed) == (7, 0, 7, 0, [])
    assert report.seconds > 0
    assert base.encoded == 7
    assert set(base.batches) == {1}  # the numbers of a batch depend on its size
    assert cache.stats()[0]["base"] == "fake"
    for number, record in enumerate(records):
        embedding = cache.get(PRINT_A, image_key(record.path))
        expected = {name: t[0].half().float() for name, t in base.encode([picture(number)]).items()}
        assert embedding is not None
        assert all(torch.equal(embedding[name], expected[name]) for name in expected)


def test_a_second_run_neither_decodes_nor_encodes(
    cache: EmbeddingCache, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_images(FakeBase(), records, cache)
    base = FakeBase()
    monkeypatch.setattr(encoding, "read_picture", lambda path: pytest.fail("an image was decoded"))
    report = encode_images(base, records, cache)
    assert (report.already, report.encoded, base.encoded) == (7, 0, 0)


def test_the_same_picture_under_two_names_is_encoded_once(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    twice = []
    for record in records:
        copy = record.path.with_name("copy-" + record.path.name)
        copy.write_bytes(record.path.read_bytes())
        twice += [record, ImageRecord(copy, 30, 20), record]
    base = FakeBase()
    report = encode_images(base, twice, cache)
    assert (report.total, report.already, report.encoded, base.encoded) == (21, 14, 7, 7)


def test_an_empty_list_of_images_is_allowed(cache: EmbeddingCache) -> None:
    assert encode_images(FakeBase(), [], cache).total == 0


def test_progress_counts_images(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    steps: list[Count] = []

    def count(event: Event) -> None:
        assert isinstance(event, Count)
        steps.append(event)

    encode_images(FakeBase(sleep=0.01), records, cache, count)
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert all(step.total == 7 and step.rate is not None and 0 < step.rate < 100 for step in steps)


def test_reading_overlaps_with_encoding(
    cache: EmbeddingCache, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the encoder works on the first image, threads read the next ones, but not all of them, to save memory."""
    many = write_pictures(records[0].path.parent, 20)
    read: list[Path] = []
    at_first_encode: list[int] = []

    def reading(path: Path) -> ReadPicture:
        assert threading.current_thread() is not threading.main_thread()
        read.append(path)
        return ReadPicture(image_key(path), picture(int(path.stem)))

    class Watching(FakeBase):
        def encode(self, images: Any) -> dict[str, torch.Tensor]:
            if not self.encoded:
                deadline = time.monotonic() + 30
                while len(read) < 1 + encoding.AHEAD and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(0.1)
                at_first_encode.append(len(read))
            return super().encode(images)

    monkeypatch.setattr(encoding, "read_picture", reading)
    encode_images(Watching(), many, cache)
    assert at_first_encode == [1 + encoding.AHEAD]
    assert len(read) == 20


# --- damage and failure


def test_damaged_entries_are_rebuilt_and_reported(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    encode_images(FakeBase(), records, cache)
    paths = [cache.path(PRINT_A, image_key(record.path)) for record in records]
    data = paths[1].read_bytes()
    paths[1].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    paths[2].write_bytes(b"")
    paths[3].write_bytes(paths[4].read_bytes())
    paths[5].unlink()
    base = FakeBase()
    report = encode_images(base, records, cache)
    assert (report.already, report.encoded, report.rebuilt, base.encoded) == (3, 4, 3, 4)
    assert sorted(cache.damaged) == sorted(paths[1:4])
    assert encode_images(FakeBase(), records, cache).already == 7


def test_unreadable_images_do_not_stop_the_others(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    records[1].path.write_bytes(b"not a picture")
    records[3].path.unlink()
    cut = records[5].path.read_bytes()
    records[5].path.write_bytes(cut[: len(cut) // 2])
    base = FakeBase()
    with pytest.raises(DataError, match=r"3 of 7 images could not be read; the first is .*001\.png: "):
        encode_images(base, records, cache)
    assert entries(cache) == base.encoded == 4
    report = encode_images(base, records, cache, skip_unreadable=True)
    assert (report.already, report.encoded, base.encoded) == (4, 0, 4)
    assert [path for path, _ in report.failed] == [records[i].path for i in (1, 3, 5)]
    assert all(reason for _, reason in report.failed)


def test_a_cache_that_cannot_be_written_stops_the_run(tmp_path: Path, records: list[ImageRecord]) -> None:
    (tmp_path / "file").write_text("")
    base = FakeBase()
    with pytest.raises(CacheError, match="cannot be written"):
        encode_images(base, records, EmbeddingCache(tmp_path / "file"))
    assert base.encoded == 1


def test_an_interrupt_keeps_stored_embeddings(cache: EmbeddingCache, records: list[ImageRecord]) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Count) and event.done == 3:
            raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        encode_images(FakeBase(), records, cache, progress=stop)
    assert threading.active_count() == threads
    assert entries(cache) == 3
    report = encode_images(FakeBase(), records, cache)
    assert (report.already, report.encoded) == (3, 4)


# --- processes


ENCODER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.embeddings.fake_encoder import FakeBase
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.data.task import ImageRecord
from samtailor.embeddings.encoding import encode_images
cache = EmbeddingCache(Path({root!r}))
records = [ImageRecord(path, 30, 20) for path in sorted(Path({images!r}).glob("*.png"))]
report = encode_images(FakeBase(sleep={sleep}), records, cache)
assert report.already + report.encoded == len(records), report
assert not cache.damaged
"""


def start(cache: EmbeddingCache, images: Path, sleep: float) -> subprocess.Popen[bytes]:
    tests = str(Path(__file__).parents[2])
    text = ENCODER.format(tests=tests, root=str(cache.root), images=str(images), sleep=sleep)
    return subprocess.Popen([sys.executable, "-c", text])


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_is_continued(cache: EmbeddingCache, tmp_path: Path) -> None:
    records = write_pictures(tmp_path / "many", 40)
    process = start(cache, tmp_path / "many", sleep=0.05)
    try:
        deadline = time.monotonic() + 120
        while entries(cache) < 6 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait(timeout=30) == -signal.SIGKILL
    stored = entries(cache)
    assert 6 <= stored < 40
    base = FakeBase()
    report = encode_images(base, records, cache)
    assert (report.already, report.encoded, report.rebuilt) == (stored, 40 - stored, 0)
    assert base.encoded == 40 - stored
    assert cache.damaged == []


def test_two_processes_can_encode_the_same_images(cache: EmbeddingCache, tmp_path: Path) -> None:
    records = write_pictures(tmp_path / "many", 30)
    processes = [start(cache, tmp_path / "many", sleep=0.005) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    report = encode_images(FakeBase(), records, cache)
    assert (report.already, report.rebuilt) == (30, 0)
    assert not list(cache.root.rglob("*.tmp"))
