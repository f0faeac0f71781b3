"""A task lists its images, and names its splits in an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data import ImageRecord, Task
from tests.data.helpers import data_error, instance

MASK = np.eye(3, dtype=bool)


def test_images_of_all_splits_come_in_order() -> None:
    a, b, c = (ImageRecord(Path(name), 3, 3) for name in "abc")
    task = Task("t", Path("t"), "made up", (), {"train": (a, b), "test": (c,)})
    assert task.images == (a, b, c)
    with data_error("no images in split 'val'", "train (2 images), test (1 images)"):
        task.split("val")


def test_crowd_regions_and_empty_masks_are_not_promptable() -> None:
    masks = (instance(1, MASK), instance(2, MASK, crowd=True), instance(3, MASK & False))
    assert ImageRecord(Path("a"), 3, 3, masks).promptable == masks[:1]
