"""Duplicates are found, whatever their size and format, and can be dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.data import Task, drop_duplicates, find_duplicates, inspect_task, load_task
from samtailor.machine.progress import Count, Event
from tests.data.doctor.helpers import SIDE, finding_of, scene, with_image, with_split
from tests.data.helpers import data_error


@pytest.fixture
def twin(clean: Task) -> Path:
    """A copy of an image of train."""
    path = clean.root / "twin.png"
    path.write_bytes((clean.root / "train3.png").read_bytes())
    return path


def test_an_equal_file_in_another_split_is_found_and_dropped(clean: Task, twin: Path) -> None:
    task = with_image(clean, "test", twin)
    inspection = inspect_task(task)
    assert [(f.code, f.severity, f.files) for f in inspection.findings] == [("same-picture", "error", (str(twin),))]
    assert inspection.leaks == ((str(clean.root / "train3.png"), str(twin)),)
    assert inspection.duplicates[0].to_dict() == {
        "file": str(twin),
        "split": "test",
        "of": str(clean.root / "train3.png"),
        "of_split": "train",
        "kind": "bytes",
        "likeness": 1.0,
    }
    assert drop_duplicates(task, inspection.duplicates) == clean


def test_an_equal_file_in_the_same_split_is_a_note_and_stays(clean: Task, twin: Path) -> None:
    within = inspect_task(with_image(clean, "train", twin))
    assert [(f.code, f.severity) for f in within.findings] == [("same-picture-within", "note")]
    assert within.leaks == () and drop_duplicates(clean, within.duplicates) == clean


def test_the_same_picture_in_another_size_and_format_is_found(clean: Task) -> None:
    smaller = np.array(Image.fromarray(scene(103)).resize((90, 70)))  # val3.png
    task = with_image(clean, "test", clean.root / "again.jpg", smaller, quality=60)
    finding = finding_of(task, "alike-picture")
    assert (finding.severity, finding.files) == ("warning", (str(clean.root / "again.jpg"),))
    (duplicate,) = find_duplicates(task)
    assert (duplicate.of, duplicate.of_split, duplicate.kind) == (str(clean.root / "val3.png"), "val", "alike")
    assert drop_duplicates(task, [duplicate]) == clean
    within = with_image(clean, "val", clean.root / "again.jpg")
    assert finding_of(within, "alike-picture-within").severity == "note"


def test_duplicates_refer_to_the_earliest_split(clean: Task) -> None:
    """Two equal files in test, both like one in val and one in train, both refer to train."""
    task = clean
    for split, name, quality in (("val", "v.jpg", 90), ("test", "a.jpg", 50), ("test", "b.jpg", 50)):
        task = with_image(task, split, clean.root / name, scene(3), quality=quality)
    pairs = {(Path(d.file).name, Path(d.of).name, d.kind) for d in find_duplicates(task)}
    alike = {(name, "train3.png", "alike") for name in ("v.jpg", "a.jpg", "b.jpg")}
    assert pairs == alike | {("b.jpg", "a.jpg", "bytes")}
    assert drop_duplicates(task, find_duplicates(task)) == clean
    backwards = replace(task, splits=dict(reversed(task.splits.items())))
    assert {(Path(d.file).name, Path(d.of).name, d.kind) for d in find_duplicates(backwards)} == pairs


def test_dropping_all_images_of_a_split_is_an_error(clean: Task) -> None:
    task = with_split(clean, "test", clean.split("train"))
    with data_error("All 10 images of split 'test'", "Split the images again"):
        drop_duplicates(task, find_duplicates(task))


def test_flat_pictures_are_not_compared(clean: Task) -> None:
    task = clean
    for n, split in enumerate(("train", "test")):
        noise = np.random.default_rng(n).integers(10, 14, (SIDE, SIDE, 3), dtype=np.uint8)
        task = with_image(task, split, clean.root / f"dark{n}.png", noise)
    assert find_duplicates(task) == []


def test_pictures_that_share_only_a_frame_are_not_alike(clean: Task) -> None:
    task = clean
    for n, split in enumerate(("train", "val", "test")):
        page = np.full((SIDE * 2, SIDE * 2, 3), 60, dtype=np.uint8)
        page[20:-20, 30:-30] = 240
        ink = np.random.default_rng(n).random((18, 196)) < 0.5
        for row, line in enumerate(ink):
            page[30 + 11 * row : 35 + 11 * row, 30:-30][:, line] = 30
        task = with_image(task, split, clean.root / f"page{n}.png", page)
    assert find_duplicates(task) == []


def test_the_result_does_not_depend_on_the_number_of_rows_compared_at_a_time(
    clean: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = clean
    for n in range(6):
        task = with_image(task, ("val", "test")[n % 2], clean.root / f"n{n}.jpg", scene(n), quality=70 + n)
    duplicates = find_duplicates(task)
    monkeypatch.setattr("samtailor.data.doctor.duplicates._ROWS", 4)
    assert len(duplicates) == 6 and find_duplicates(task) == duplicates


def test_progress_counts_the_images(clean: Task) -> None:
    events: list[Event] = []
    find_duplicates(clean, events.append)
    assert events == [Count("Comparing", done, 30) for done in range(31)]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "equal", "alike_too"),
    [
        ("signs", {("test", "train"): 84, ("test", "val"): 11}, {}),
        ("faces_fasseg", {("test", "train"): 6, ("train", "train"): 2}, {("train", "train"): 1, ("test", "test"): 1}),
        ("plates", {}, {("train", "train"): 1}),
    ],
)
def test_the_known_duplicates_of_real_data_are_found(
    shared: Path, name: str, equal: dict[tuple[str, str], int], alike_too: dict[tuple[str, str], int]
) -> None:
    task = load_task(shared / "data" / name)
    duplicates = find_duplicates(task)
    for kind, expected in (("bytes", equal), ("alike", alike_too)):
        assert Counter((d.split, d.of_split) for d in duplicates if d.kind == kind) == expected
    dropped = drop_duplicates(task, duplicates)
    cross = sum(count for (split, of), count in equal.items() if split != of)
    assert len(dropped.split("test")) == len(task.split("test")) - cross
    assert not [d for d in find_duplicates(dropped) if d.split != d.of_split]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_copy_in_another_split_is_a_warning(clean: Task, axis: int) -> None:
    mirrored = with_image(clean, "test", clean.root / "copy.png", np.flip(scene(3), axis).copy())  # train3.png
    found = finding_of(mirrored, "mirrored-picture")
    assert found.severity == "warning" and found.count == 1 and "train3.png" in found.what
    within = with_image(clean, "train", clean.root / "copy.png", np.flip(scene(3), axis).copy())
    assert not find_duplicates(within)


def test_augmented_copies_in_two_splits_are_a_warning(clean: Task) -> None:
    task = clean
    for split, seed in (("train", 900), ("val", 901), ("train", 902)):
        task = with_image(task, split, clean.root / f"leaf_jpg.rf.{seed}abcdef.png", scene(seed))
    found = finding_of(task, "augmented-copies")
    assert found.severity == "warning" and found.count == 1 and "--split-by" in found.hint
    assert found.files == (str(clean.root / "leaf_jpg.rf.901abcdef.png"),)
