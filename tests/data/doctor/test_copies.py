"""Leaving out images whose file is also in an earlier split."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from samtailor.data import Task, load_task
from samtailor.data.doctor.copies import without_copies
from samtailor.errors import DataError
from samtailor.machine.progress import Count, Event, Note


def with_copies(task: Task, folder: Path, names: list[str]) -> Task:
    """The task with train images copied over test images of the same names."""
    root = Path(shutil.copytree(task.root, folder / "copy"))
    for name in names:
        shutil.copy(root / "train" / "images" / name, root / "test" / "images" / name)
    return load_task(root)


def test_copies_are_left_out_and_counted(shapes: Task, tmp_path: Path) -> None:
    events: list[Event] = []
    task = with_copies(shapes, tmp_path, ["0.png", "2.png"])
    kept = without_copies(task, events.append)
    assert [r.path.name for r in kept.splits["test"]] == ["1.png", "3.png"]
    assert (kept.splits["train"], kept.splits["val"]) == (task.splits["train"], task.splits["val"])
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes == ["Left out 2 of 4 test images: their files are also in an earlier split."]
    assert events[-2] == Count("Comparing", 16, 16)


def test_a_task_without_copies_stays_whole(shapes: Task) -> None:
    assert without_copies(shapes).splits == shapes.splits


def test_a_split_of_nothing_but_copies_is_an_error(shapes: Task, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="All 4 images of split 'test'"):
        without_copies(with_copies(shapes, tmp_path, ["0.png", "1.png", "2.png", "3.png"]))
