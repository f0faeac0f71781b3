"""The embedding cache: concurrent and killed processes, statistics, pruning, the size limit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import CacheError
from tests.embeddings.fake_encoder import (
    KEY,
    PRINT_A,
    PRINT_B,
    SIZE,
    FakeBase,
    age,
    equal,
    files,
    picture,
    put_many,
    tensors,
)

# --- several processes


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.embeddings.fake_encoder import FakeBase, picture
from samtailor.embeddings.cache import EmbeddingCache
cache, base = EmbeddingCache(Path({root!r})), FakeBase()
for turn in range(20):
    for seed in range(10):
        assert cache.embed(base, f"{{seed:032x}}", lambda: picture(seed))["image"].shape == (4, 8, 8)
        cache.put(base.fingerprint, "ee" * 16, cache.get(base.fingerprint, f"{{seed:032x}}"), (30, 20))
assert not cache.damaged, cache.damaged
"""

KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.embeddings.fake_encoder import FakeBase, picture
from samtailor.embeddings.cache import EmbeddingCache
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
EmbeddingCache(Path({root!r})).embed(FakeBase(), {key!r}, lambda: picture(1))
"""


def script(text: str, root: Path, **values: str) -> list[str]:
    return [sys.executable, "-c", text.format(tests=str(Path(__file__).parents[2]), root=str(root), **values)]


def test_two_processes_share_a_cache(cache: EmbeddingCache) -> None:
    writers = [subprocess.Popen(script(WRITER, cache.root)) for _ in range(2)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert len(files(cache.root)) == 11  # and no temporary file
    base = FakeBase()
    for seed in range(10):
        expected = {name: t[0].half().float() for name, t in base.encode([picture(seed)]).items()}
        assert equal(cache.get(PRINT_A, f"{seed:032x}"), expected)
    assert cache.verify(PRINT_A, "ee" * 16) == "good"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_process_killed_before_the_rename_leaves_no_entry(cache: EmbeddingCache) -> None:
    assert subprocess.run(script(KILLED, cache.root, key=KEY), timeout=120).returncode == -signal.SIGKILL
    (leftover,) = files(cache.root)
    assert leftover.suffix == ".tmp"
    assert cache.verify(PRINT_A, KEY) == "missing"
    assert cache.stats() == []
    size = leftover.stat().st_size
    writing = leftover.rename(leftover.with_name(re.sub(r"\.\d+\.", f".{os.getppid()}.", leftover.name)))
    assert cache.prune() == (0, 0)  # this process may still be writing
    age(writing, days=0.1)
    assert cache.prune() == (0, size)
    assert files(cache.root) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_next_start_removes_temporary_files_of_killed_processes(cache: EmbeddingCache) -> None:
    for _ in range(2):
        subprocess.run(script(KILLED, cache.root, key=KEY), timeout=120)
    assert [path.suffix for path in files(cache.root)] == [".tmp"]  # the second start removed that of the first
    (cache.root / "notes.tmp").write_text("a user file")
    cache.embed(FakeBase(), KEY, lambda: picture(1))
    assert sorted(path.name for path in files(cache.root)) == [f"{KEY}.safetensors", "notes.tmp"]


# --- upkeep


def test_stats_count_entries_and_bytes_by_base(cache: EmbeddingCache) -> None:
    assert cache.stats() == []
    put_many(cache, 3)
    put_many(cache, 2, PRINT_B, name="other")
    a, b = cache.stats()
    assert (a["base"], a["fingerprint"], a["dtype"], a["entries"]) == ("fake", PRINT_A, "float16", 3)
    assert (b["base"], b["folder"], b["entries"]) == ("other", "b" * 16 + "-float16", 2)
    assert a["bytes"] + b["bytes"] == sum(path.stat().st_size for path in files(cache.root))


def test_prune_removes_the_least_recently_used_first(cache: EmbeddingCache) -> None:
    keys = put_many(cache, 5)
    entry_bytes = cache.path(PRINT_A, keys[0]).stat().st_size
    assert cache.get(PRINT_A, keys[0]) is not None  # now the most recently used
    assert cache.prune(max_bytes=3 * entry_bytes) == (2, 2 * entry_bytes)
    assert [cache.has(PRINT_A, key) for key in keys] == [True, False, False, True, True]


def test_prune_removes_entries_by_age(cache: EmbeddingCache) -> None:
    keys = put_many(cache, 5)
    assert cache.prune(older_than_days=2.5)[0] == 3
    assert [cache.has(PRINT_A, key) for key in keys] == [False] * 3 + [True] * 2
    assert cache.prune() == (0, 0)


@pytest.mark.parametrize("base", ["other", PRINT_B, PRINT_B[:8], "b" * 16 + "-float16"])
def test_prune_can_be_limited_to_one_base(cache: EmbeddingCache, base: str) -> None:
    put_many(cache, 3)
    put_many(cache, 2, PRINT_B, name="other")
    assert cache.prune(base=base, everything=True)[0] == 2
    assert [row["base"] for row in cache.stats()] == ["fake"]
    assert cache.prune(everything=True)[0] == 3
    assert files(cache.root) == []


def test_prune_raises_an_error_for_unknown_bases_and_negative_numbers(cache: EmbeddingCache) -> None:
    put_many(cache, 1)
    for base in ("nobody", "b", "", "a"):
        with pytest.raises(CacheError, match=r"has no entries of base.*fake \(a{16}-float16\)"):
            cache.prune(base=base, everything=True)
    with pytest.raises(CacheError, match="max_bytes is -1"):
        cache.prune(max_bytes=-1)
    with pytest.raises(CacheError, match="older_than_days is nan"):
        cache.prune(older_than_days=float("nan"))
    assert cache.stats()[0]["entries"] == 1


def test_prune_keeps_files_that_are_not_entries(cache: EmbeddingCache) -> None:
    put_many(cache, 2)
    own_files = [
        cache.root / "models" / "ab" / "abc.safetensors",
        cache.root / ("a" * 16 + "-float16") / "zz" / "model.safetensors",
        cache.root / ("a" * 16 + "-float16") / "00" / "00.tmp",
        cache.root / "notes.txt",
    ]
    for path in own_files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a user file")
        age(path, days=100)
    assert cache.prune(everything=True, older_than_days=1, max_bytes=0)[0] == 2
    assert files(cache.root) == sorted(own_files)


def test_the_limit_never_removes_entries_used_in_the_last_day(tmp_path: Path) -> None:
    keys = put_many(EmbeddingCache(tmp_path), 4)
    entry_bytes = EmbeddingCache(tmp_path).path(PRINT_A, keys[0]).stat().st_size
    cache = EmbeddingCache(tmp_path, limit_bytes=4 * entry_bytes + entry_bytes // 2)
    assert cache.get(PRINT_A, keys[0]) is not None  # used now: stays
    new = [f"f{number}{KEY}" for number in range(3)]
    for key in new:
        cache.put(PRINT_A, key, tensors(), SIZE, "fake")
    assert [cache.has(PRINT_A, key) for key in keys] == [True, False, False, False]
    with pytest.raises(CacheError, match=r"at its limit.*Raise the limit"):
        for number in range(3):
            cache.put(PRINT_A, f"e{number}{KEY}", tensors(), SIZE)
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 4 * entry_bytes + entry_bytes // 2
    assert all(cache.verify(PRINT_A, key) == "good" for key in [keys[0], *new])


def test_the_default_limit_makes_room_but_never_stops_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert EmbeddingCache(tmp_path).limit_bytes == 20_000_000_000
    keys = put_many(EmbeddingCache(tmp_path), 4)
    entry_bytes = EmbeddingCache(tmp_path).path(PRINT_A, keys[0]).stat().st_size
    monkeypatch.setenv("SAMTAILOR_CACHE_GB", str(4.5 * entry_bytes / 1e9))
    cache = EmbeddingCache(tmp_path)
    assert cache.limit_bytes == pytest.approx(4.5 * entry_bytes, abs=1)
    new = [f"f{number}{KEY}" for number in range(6)]
    for key in new:
        cache.put(PRINT_A, key, tensors(), SIZE, "fake")
    assert not any(cache.has(PRINT_A, key) for key in keys)
    assert all(cache.has(PRINT_A, key) for key in new)
    assert caplog.text.count("grows beyond") == 1


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "inf"])
def test_a_wrong_limit_in_the_environment_raises_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SAMTAILOR_CACHE_GB", text)
    with pytest.raises(CacheError, match="SAMTAILOR_CACHE_GB is"):
        EmbeddingCache()
