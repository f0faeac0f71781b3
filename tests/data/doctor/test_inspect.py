"""What a task holds is counted rightly, and bad images are found and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.data import ImageRecord, Instance, Task, inspect_task, load_task
from samtailor.data.pixels.rle import mask_rle


def instance(number: int, label: str, rows: slice, columns: slice, crowd: bool = False) -> Instance:
    mask = np.zeros((20, 30), dtype=bool)
    mask[rows, columns] = True
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path, size in zip(paths, [(20, 30), (20, 30), (40, 10)], strict=True):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    instances = (
        instance(1, "cell", slice(5, 8), slice(5, 8)),  # 9 pixels: tiny
        instance(2, "cell", slice(5, 15), slice(5, 15)),
        instance(3, "wall", slice(0, 20), slice(29, 30)),  # at the border
        instance(4, "wall", slice(0, 20), slice(0, 30), crowd=True),
        instance(5, "wall", slice(0, 0), slice(0, 0)),  # empty
    )
    splits = {
        "train": (ImageRecord(paths[0], 30, 20, instances), ImageRecord(paths[1], 30, 20)),
        "val": (ImageRecord(paths[2], 10, 40),),
    }
    return Task("t", tmp_path, "made here", ("cell", "wall", "gap"), splits)


def test_counts(task: Task) -> None:
    found = inspect_task(task)
    train = found.splits["train"]
    assert (train.images, train.empty_images, train.instances, train.crowd, train.empty_masks) == (2, 1, 5, 1, 1)
    assert (train.tiny, train.at_border) == (1, 1)
    assert train.classes == {"cell": 2, "wall": 1, "gap": 0}
    assert found.splits["val"].images == found.splits["val"].empty_images == 1
    assert (found.widths, found.heights) == ((10, 30), (20, 40))
    assert (found.areas["min"], found.areas["median"], found.areas["max"]) == (9, 20, 100)
    assert (found.bad_images, found.first_bad, found.leaks) == (0, None, ())


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 2), (5, 7)), ((18, 20), (5, 7)), ((5, 7), (0, 2)), ((5, 7), (28, 30))]
)
def test_all_four_borders(task: Task, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    record = ImageRecord(task.root / "a.png", 30, 20, (instance(1, "cell", slice(*rows), slice(*columns)),))
    found = inspect_task(Task("t", task.root, "", ("cell",), {"train": (record,)}))
    assert found.splits["train"].at_border == 1


def test_bad_images_are_counted_and_the_first_is_named(task: Task) -> None:
    whole = (task.root / "b.png").read_bytes()
    (task.root / "b.png").write_bytes(whole[: len(whole) // 2])
    (task.root / "c.png").unlink()
    seen: list[tuple[int, int]] = []
    found = inspect_task(task, progress=lambda done, total: seen.append((done, total)))
    assert found.bad_images == 2
    assert found.first_bad is not None and found.first_bad.path.endswith("b.png")
    assert "b.png" in found.first_bad.reason
    assert seen == [(1, 3), (2, 3), (3, 3)]
    unread = inspect_task(task, decode_images=False)
    assert not unread.decoded and unread.bad_images == 0


def test_images_of_another_size_are_bad(task: Task) -> None:
    Image.new("L", (3, 3)).save(task.root / "a.png")
    found = inspect_task(task)
    assert found.first_bad is not None and "3 x 3" in found.first_bad.reason and "30 x 20" in found.first_bad.reason


def test_equal_images_in_two_splits_are_leaks(task: Task) -> None:
    twin = task.root / "twin.png"
    twin.write_bytes((task.root / "a.png").read_bytes())
    record = ImageRecord(twin, 30, 20)
    both = Task("t", task.root, "", task.classes, {**task.splits, "test": (record, record)})
    assert inspect_task(both).leaks == ((str(task.root / "a.png"), str(twin)),) * 2
    within = Task("t", task.root, "", task.classes, {"train": (*task.splits["train"], record)})
    assert inspect_task(within).leaks == ()


def test_an_inspection_can_be_written_as_json(task: Task) -> None:
    plain = inspect_task(task).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["splits"]["train"]["classes"]["cell"] == 2


def test_a_task_without_instances_has_no_areas(task: Task) -> None:
    found = inspect_task(Task("t", task.root, "", (), {"val": task.splits["val"]}))
    assert found.areas == {} and found.splits["val"].at_border == 0
    empty = inspect_task(Task("t", task.root, "", ()))
    assert empty.widths is None and json.dumps(empty.to_dict())


def test_the_sample_is_whole() -> None:
    found = inspect_task(load_task("sample"))
    assert (found.bad_images, found.leaks) == (0, ())
    assert sum(counts.empty_images for counts in found.splits.values()) == 0
