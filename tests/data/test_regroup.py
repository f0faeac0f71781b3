"""Splits by group: no group in two splits, shares near 70/10/20, ids that stay apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data import ImageRecord, Instance, Task, load_task, split_by_group
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.regroup import share_out
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip

SIZES = st.dictionaries(st.text("abc123", min_size=1, max_size=5), st.integers(1, 40), min_size=3, max_size=30)
MASK = mask_rle(np.ones((2, 2), dtype=bool))


def task_of(names: list[str], splits: int = 3) -> Task:
    """Images dealt out to train, val, test in turn; ids are unique within a split only."""
    dealt = {split: names[n::splits] for n, split in enumerate(("train", "val", "test")[:splits])}
    records = {
        split: tuple(ImageRecord(Path("/t") / name, 2, 2, (Instance(n, "a", MASK, 4),)) for n, name in enumerate(some))
        for split, some in dealt.items()
    }
    return Task("t", Path("/t"), "made up", ("a",), records)


@given(SIZES, st.integers(0, 5))
def test_no_group_is_in_two_splits(sizes: dict[str, int], seed: int) -> None:
    names = [f"{group}_{n}.png" for group, size in sizes.items() for n in range(size)]
    task = split_by_group(task_of(names), "^[^_]+", seed)
    groups = {split: {r.path.name.split("_")[0] for r in records} for split, records in task.splits.items()}
    assert all(groups.values()) and sum(map(len, groups.values())) == len(sizes)
    assert sorted(r.path.name for records in task.splits.values() for r in records) == sorted(names)
    ids = [i.id for records in task.splits.values() for r in records for i in r.instances]
    assert len(set(ids)) == len(ids) == len(names)
    assert split_by_group(task_of(names[::-1]), "^[^_]+", seed).splits == task.splits


@given(SIZES, st.integers(0, 5))
def test_shares_are_as_near_as_groups_allow(sizes: dict[str, int], seed: int) -> None:
    chosen = share_out(sizes, seed)
    total = sum(sizes.values())
    assert chosen.keys() == sizes.keys() and set(chosen.values()) == {"train", "val", "test"}
    for split, share in (("val", 0.1), ("test", 0.2)):
        held = [size for group, size in sizes.items() if chosen[group] == split]
        assert abs(sum(held) - share * total) <= max(sizes.values()) / 2 or len(held) == 1


def test_many_groups_come_near_70_10_20() -> None:
    rng = np.random.default_rng(0)
    sizes = {f"patient{n}": int(size) for n, size in enumerate(rng.integers(1, 60, 40))}
    total = sum(sizes.values())
    for seed in range(5):
        chosen = share_out(sizes, seed)
        shares = [sum(sizes[g] for g in sizes if chosen[g] == split) / total for split in ("train", "val", "test")]
        assert np.allclose(shares, (0.7, 0.1, 0.2), atol=0.02)
    assert share_out(sizes, 0) != share_out(sizes, 1)


def test_the_pattern_sees_folders_and_its_first_group_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for n in range(12):
        for part in ("images", "masks"):
            path = tmp_path / "t" / ("train" if n % 2 else "val") / part / f"patient{n // 2}-slide{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 3, (6, 6)).astype(np.uint8)).save(path)
    task = load_task(tmp_path / "t", split_by=r"(patient\d+)-slide\d")
    assert "split 70/10/20 by the 6 groups of" in task.format and "seed 0" in task.format
    of = {r.path.name: split for split, records in task.splits.items() for r in records}
    assert all(len({of[f"patient{n}-slide{2 * n + k}.png"] for k in (0, 1)}) == 1 for n in range(6))
    check_round_trip(task, tmp_path / "out")
    folders = {f.parent.name for f in (tmp_path / "out" / "as-rle" / "images").rglob("*.png")}
    assert folders == {"train", "val", "test"}  # the new splits, not the old
    by_name = load_task(tmp_path / "t", split_by="([^/-]+)-[^/]*$")  # as the hint says, with - for _
    assert {s: [r.path for r in some] for s, some in by_name.splits.items()} == {
        s: [r.path for r in some] for s, some in task.splits.items()
    }
    with pytest.raises(DataError, match="makes 2 groups of 12 images"):
        load_task(tmp_path / "t", split_by="^[^/]+")


def test_ids_that_are_unique_stay() -> None:
    names = [f"{n % 5}_{n}.png" for n in range(20)]
    task = split_by_group(task_of(names, splits=1), "^[^_]+")
    assert {r.path.name: r.instances[0].id for records in task.splits.values() for r in records} == {
        name: n for n, name in enumerate(names)
    }


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        (r"^x_", r"finds nothing in 20 of 20 image names, the first is 0_0\.png"),
        (r"^[1-4]_", r"finds nothing in 4 of 20 image names, the first is 0_0\.png"),
        (r"z*", "finds nothing in 20 of 20"),
        (r"(x)?_", "finds nothing in 20 of 20"),
        (r"(", "is no regular expression"),
        (r"\.png", "makes 1 groups of 20 images"),
    ],
)
def test_bad_patterns_are_named(pattern: str, cause: str) -> None:
    with pytest.raises(DataError, match=cause):
        split_by_group(task_of([f"{n % 5}_{n}.png" for n in range(20)]), pattern)
