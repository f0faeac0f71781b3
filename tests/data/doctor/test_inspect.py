"""The contents of a task are counted, and the result is plain JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from samtailor.data import ImageRecord, Instance, Task, inspect_task, load_task
from samtailor.machine.progress import Count, Event
from tests.data.doctor.helpers import codes
from tests.data.helpers import instance, picture


def rectangle(number: int, label: str, rows: slice, columns: slice, crowd: bool = False) -> Instance:
    """Make an instance whose mask is a rectangle in an image of 30 x 20."""
    mask = np.zeros((20, 30), dtype=bool)
    mask[rows, columns] = True
    return instance(number, mask, label, crowd)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Two images in train, one of them without instances, and one in val."""
    sizes = {"a": (30, 20), "b": (30, 20), "c": (10, 40)}
    a, b, c = (picture(tmp_path / f"{name}.png", *size) for name, size in sizes.items())
    instances = (
        rectangle(1, "cell", slice(5, 8), slice(5, 8)),  # 9 pixels: tiny
        rectangle(2, "cell", slice(5, 15), slice(5, 15)),
        rectangle(3, "wall", slice(0, 20), slice(29, 30)),  # at the border
        rectangle(4, "wall", slice(0, 20), slice(0, 30), crowd=True),
        rectangle(5, "wall", slice(0, 0), slice(0, 0)),  # empty
    )
    splits = {
        "train": (ImageRecord(a, 30, 20, instances), ImageRecord(b, 30, 20)),
        "val": (ImageRecord(c, 10, 40),),
    }
    return Task("t", tmp_path, "made up", ("cell", "wall", "gap"), splits)


def test_images_instances_and_sizes_are_counted(task: Task) -> None:
    inspection = inspect_task(task)
    train = inspection.splits["train"]
    assert (train.images, train.empty_images, train.instances, train.crowd, train.empty_masks) == (2, 1, 5, 1, 1)
    assert (train.tiny, train.at_border) == (1, 1)
    assert train.classes == {"cell": 2, "wall": 1, "gap": 0}
    assert inspection.splits["val"].images == inspection.splits["val"].empty_images == 1
    assert (inspection.widths, inspection.heights) == ((10, 30), (20, 40))
    assert [inspection.areas[name] for name in ("min", "median", "max")] == [9, 20, 100]
    assert (inspection.bad_images, inspection.first_bad, inspection.leaks) == (0, None, ())


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 2), (5, 7)), ((18, 20), (5, 7)), ((5, 7), (0, 2)), ((5, 7), (28, 30))]
)
def test_instances_at_all_four_borders_are_counted(task: Task, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    record = ImageRecord(task.root / "a.png", 30, 20, (rectangle(1, "cell", slice(*rows), slice(*columns)),))
    inspection = inspect_task(Task("t", task.root, "", ("cell",), {"train": (record,)}))
    assert inspection.splits["train"].at_border == 1


def test_progress_counts_all_images_even_damaged_ones(task: Task) -> None:
    (task.root / "c.png").unlink()
    events: list[Event] = []
    inspect_task(task, progress=events.append)
    assert events == [Count("Reading", done, 3) for done in range(4)]


def test_equal_files_in_two_splits_are_leaks(task: Task) -> None:
    twin = task.root / "twin.png"
    twin.write_bytes((task.root / "a.png").read_bytes())
    record = ImageRecord(twin, 30, 20)
    both = Task("t", task.root, "", task.classes, {**task.splits, "test": (record, record)})
    assert inspect_task(both).leaks == ((str(task.root / "a.png"), str(twin)),) * 2
    within = Task("t", task.root, "", task.classes, {"train": (*task.splits["train"], record)})
    assert inspect_task(within).leaks == ()


def test_an_inspection_is_written_as_json(task: Task) -> None:
    plain = inspect_task(task).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["splits"]["train"]["classes"]["cell"] == 2


def test_a_task_without_instances_or_images_can_be_inspected(task: Task) -> None:
    bare = inspect_task(Task("t", task.root, "", (), {"val": task.splits["val"]}))
    assert bare.areas == {} and bare.splits["val"].at_border == 0
    empty = inspect_task(Task("t", task.root, "", ()))
    assert empty.widths is None and json.dumps(empty.to_dict())


def test_a_clean_task_has_no_findings(clean: Task) -> None:
    assert codes(clean) == []


def test_the_sample_has_no_damaged_or_repeated_images() -> None:
    inspection = inspect_task(load_task("sample"))
    assert (inspection.bad_images, inspection.leaks) == (0, ())
    assert sum(counts.empty_images for counts in inspection.splits.values()) == 0
