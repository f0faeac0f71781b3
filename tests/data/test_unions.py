"""All objects of a class in an image as one instance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.pixels.rle import mask_rle
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.data.unions import class_unions, with_unions


def instance(number: int, label: str, rows: slice, crowd: bool = False) -> Instance:
    mask = np.zeros((10, 8), bool)
    mask[rows] = True
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


RECORD = ImageRecord(
    Path("a.png"),
    8,
    10,
    (
        instance(7, "cup", slice(0, 2)),
        instance(3, "cup", slice(1, 3)),
        instance(2, "cup", slice(5, 6), crowd=True),
        instance(4, "Tea_Pot", slice(2, 4)),
        instance(5, "tea pot", slice(8, 9)),
        instance(6, "tea pot", slice(0, 0)),
        instance(8, "crowd", slice(6, 7), crowd=True),
    ),
)


def test_the_union_has_all_masks_of_its_class() -> None:
    """Overlaps count once, crowd regions belong to the class, and other spellings are the same class."""
    unions = class_unions(RECORD)
    assert list(unions) == ["cup", "tea pot"]
    assert np.flatnonzero(unions["cup"].mask().all(1)).tolist() == [0, 1, 2, 5]
    assert (unions["cup"].id, unions["cup"].label, unions["cup"].area) == (3, "cup", 32)
    assert np.flatnonzero(unions["tea pot"].mask().any(1)).tolist() == [2, 3, 8]
    assert not any(i.crowd for i in unions.values())
    assert class_unions(ImageRecord(Path("b.png"), 8, 10)) == {}


def test_a_task_of_unions_keeps_its_other_splits() -> None:
    task = Task("t", Path(), "test", ("cup", "tea pot"), {"test": (RECORD,), "val": (RECORD,)})
    united = with_unions(task, "test")
    assert [i.id for i in united.split("test")[0].instances] == [3, 4]
    assert united.split("val") == task.split("val")
