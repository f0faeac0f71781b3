"""COCO panoptic: every segment of a mask picture is an instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import load_task
from tests.data.helpers import data_error, picture, save, write

NUMBERS = (5, 1000, 70_000)  # red alone, red and green, all three channels


def add(root: Path, change: dict[str, Any] | None = None, masks: str = "annotations/panoptic_train") -> Path:
    """Write one image of 12 x 8 pixels with three segments of 12, 24 and 36 pixels."""
    colours = np.zeros((8, 12, 3), dtype=np.uint8)
    row = 0
    for rows, number in enumerate(NUMBERS, 1):
        colours[row : row + rows] = (number % 256, number // 256 % 256, number // 65536)
        row += rows
    save(root / masks / "a.png", colours)
    picture(root / "images" / "a.jpg")
    segments = [{"id": number, "category_id": n % 2 + 1, "iscrowd": 0} for n, number in enumerate(NUMBERS)]
    segments[0].update(change or {})
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 12, "height": 8}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
        "categories": [{"id": 1, "name": "leaf", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}],
    }
    return write(root / "annotations" / "panoptic_train.json", content)


@pytest.mark.parametrize("masks", ["annotations/panoptic_train", "panoptic_train", "panoptic"])
def test_segments_are_instances_with_their_pixels(tmp_path: Path, masks: str) -> None:
    path = add(tmp_path, masks=masks)
    for target in (tmp_path, path):
        task = load_task(target)
        (record,) = task.split("train")
        assert [(i.label, i.area) for i in record.instances] == [("leaf", 12), ("sky", 24), ("leaf", 36)]
        assert task.classes == ("leaf", "sky") and not task.findings
    assert load_task(tmp_path).format == "COCO json (panoptic), splits train"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"id": 6}, "segment 6 on 'a.jpg': has no pixel in its mask picture"),
        ({"category_id": 9}, "segment 5 on 'a.jpg': has the category_id 9"),
        ({"id": [1]}, "has no number as its id"),
        ({"iscrowd": "maybe"}, "has iscrowd 'maybe'"),
    ],
)
def test_broken_segments_are_left_out(tmp_path: Path, change: dict[str, Any], cause: str) -> None:
    add(tmp_path, change)
    task = load_task(tmp_path, skip_broken=True)
    assert sum(i.area for record in task.images for i in record.instances) == 60
    assert cause in task.findings[0].what


def test_a_missing_mask_picture_is_named(tmp_path: Path) -> None:
    add(tmp_path)
    mask = tmp_path / "annotations" / "panoptic_train" / "a.png"
    mask.unlink()
    with data_error(f"its mask picture {mask} is missing", "Put the mask pictures into"):
        load_task(tmp_path)
    (tmp_path / "annotations" / "panoptic_train.zip").touch()
    with data_error("Unpack"):
        load_task(tmp_path)


def test_a_mask_picture_of_another_size_is_an_error(tmp_path: Path) -> None:
    add(tmp_path)
    save(tmp_path / "annotations" / "panoptic_train" / "a.png", np.zeros((4, 4, 3), dtype=np.uint8))
    with data_error("has 4 x 4 pixels, but its image has 12 x 8"):
        load_task(tmp_path)
