"""Splits by group: each group is in one split, shares are close to 70/10/20, and ids stay unique."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.data import ImageRecord, Task, load_task, split_by_group
from samtailor.data.defaults import SHARES
from samtailor.data.regroup import share_out
from samtailor.data.task import SPLITS
from tests.data.helpers import check_round_trip, data_error, instance, save

SIZES = st.dictionaries(st.text("abc123", min_size=1, max_size=5), st.integers(1, 40), min_size=3, max_size=30)
MASK = np.ones((2, 2), dtype=bool)


def task_of(names: list[str], splits: int = 3) -> Task:
    """Make a task whose images are dealt to train, val, test in turn; ids are unique within a split only."""
    dealt = {split: names[n::splits] for n, split in enumerate(SPLITS[:splits])}
    records = {
        split: tuple(ImageRecord(Path("/t") / name, 2, 2, (instance(n, MASK),)) for n, name in enumerate(names))
        for split, names in dealt.items()
    }
    return Task("t", Path("/t"), "made up", ("cell",), records)


@given(SIZES, st.integers(0, 5))
def test_no_group_is_in_two_splits(sizes: dict[str, int], seed: int) -> None:
    names = [f"{group}_{n}.png" for group, size in sizes.items() for n in range(size)]
    task = split_by_group(task_of(names), "^[^_]+", seed)
    groups = {split: {r.path.name.split("_")[0] for r in records} for split, records in task.splits.items()}
    assert all(groups.values()) and sum(map(len, groups.values())) == len(sizes)
    assert sorted(r.path.name for r in task.images) == sorted(names)
    ids = [i.id for r in task.images for i in r.instances]
    assert len(set(ids)) == len(ids) == len(names)
    assert split_by_group(task_of(names[::-1]), "^[^_]+", seed).splits == task.splits


@given(SIZES, st.integers(0, 5))
def test_shares_are_as_close_as_the_groups_allow(sizes: dict[str, int], seed: int) -> None:
    split_of = share_out(sizes, seed)
    total = sum(sizes.values())
    assert split_of.keys() == sizes.keys() and set(split_of.values()) == set(SPLITS)
    for split in ("val", "test"):
        members = [size for group, size in sizes.items() if split_of[group] == split]
        assert abs(sum(members) - SHARES[split] * total) <= max(sizes.values()) / 2 or len(members) == 1


def test_many_groups_come_close_to_70_10_20() -> None:
    rng = np.random.default_rng(0)
    sizes = {f"patient{n}": int(size) for n, size in enumerate(rng.integers(1, 60, 40))}
    total = sum(sizes.values())
    for seed in range(5):
        split_of = share_out(sizes, seed)
        shares = [sum(sizes[g] for g in sizes if split_of[g] == split) / total for split in SPLITS]
        assert np.allclose(shares, (0.7, 0.1, 0.2), atol=0.02)
    assert share_out(sizes, 0) != share_out(sizes, 1)


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """A folder task of 12 slides of 6 patients, in train and val."""
    rng = np.random.default_rng(0)
    for n in range(12):
        for part in ("images", "masks"):
            path = tmp_path / "t" / ("train" if n % 2 else "val") / part / f"patient{n // 2}-slide{n}.png"
            save(path, rng.integers(0, 3, (6, 6)).astype(np.uint8))
    return tmp_path / "t"


def test_the_first_group_of_the_pattern_names_the_group(slides: Path, tmp_path: Path) -> None:
    task = load_task(slides, split_by=r"(patient\d+)-slide\d")
    assert "split 70/10/20 by the 6 groups of" in task.format and "seed 0" in task.format
    split_of = {r.path.name: split for split, records in task.splits.items() for r in records}
    assert all(len({split_of[f"patient{n}-slide{2 * n + k}.png"] for k in (0, 1)}) == 1 for n in range(6))
    check_round_trip(task, tmp_path / "out")
    folders = {f.parent.name for f in (tmp_path / "out" / "as-rle" / "images").rglob("*.png")}
    assert folders == {"train", "val", "test"}, "the new splits, not the old ones"


def test_the_pattern_of_the_hint_works(slides: Path) -> None:
    by_number = load_task(slides, split_by=r"(patient\d+)-slide\d")
    by_name = load_task(slides, split_by="([^/-]+)-[^/]*$")  # as in the hint, with - instead of _
    assert by_name.splits == by_number.splits


def test_the_pattern_also_matches_folders(slides: Path) -> None:
    with data_error("makes 2 groups of 12 images"):
        load_task(slides, split_by="^[^/]+")


def test_unique_ids_stay() -> None:
    names = [f"{n % 5}_{n}.png" for n in range(20)]
    task = split_by_group(task_of(names, splits=1), "^[^_]+")
    assert {r.path.name: r.instances[0].id for r in task.images} == {name: n for n, name in enumerate(names)}


def test_an_image_with_different_annotations_in_two_splits_is_an_error() -> None:
    task = task_of([f"{n % 5}_{n}.png" for n in range(20)])
    image = task.split("train")[0]
    task.splits["val"] = (*task.splits["val"], ImageRecord(image.path, 2, 2))
    with data_error(image.path, "two splits with different annotations"):
        split_by_group(task, "^[^_]+")


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        (r"^x_", "matches nothing in 20 of 20 image names, the first is 0_0.png"),
        (r"^[1-4]_", "matches nothing in 4 of 20 image names, the first is 0_0.png"),
        (r"z*", "matches nothing in 20 of 20"),
        (r"(x)?_", "matches nothing in 20 of 20"),
        (r"(", "is not a regular expression"),
        (r"\.png", "makes 1 groups of 20 images"),
    ],
)
def test_bad_patterns_are_errors(pattern: str, cause: str) -> None:
    with data_error(f"--split-by {pattern!r}", cause):
        split_by_group(task_of([f"{n % 5}_{n}.png" for n in range(20)]), pattern)
