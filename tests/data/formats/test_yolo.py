"""YOLO: polygons as shares of the image's sides, the layouts that tools write, and faults with file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.data import RECTANGLES, load_task, read_yolo
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip, masks_of, picture, write

# Width 20, height 10: x 5 to 15, y 2 to 8.
SQUARE = "0 0.25 0.2 0.75 0.2 0.75 0.8 0.25 0.8"
BOX = "1 0.5 0.5 0.5 0.6"

ULTRALYTICS = """\
# Ultralytics format
path: ../datasets/cells-seg # dataset root dir
train: images/train # train images (relative to 'path')
val: images/val
test: # test images (optional)

names:
  0: cell
  1: wall
"""
ROBOFLOW = """\
train: ../train/images
val: ../valid/images
test: ../test/images

nc: 2
names: ['cell', 'wall']

roboflow:
  workspace: me
  license: CC BY 4.0
"""


def add(root: Path, images: str, labels: str, stem: str, text: str | None = SQUARE) -> Path:
    picture(root / images / f"{stem}.jpg", 20, 10)
    label = root / labels / f"{stem}.txt"
    return label if text is None else write(label, text + "\n")


def ultralytics(root: Path, *lines: str) -> Path:
    write(root / "data.yaml", ULTRALYTICS)
    add(root, "images/val", "labels/val", "b")
    return add(root, "images/train", "labels/train", "a", "\n".join(lines))


def test_the_layout_of_ultralytics(tmp_path: Path) -> None:
    triangle = "1 0 0 0.5 0 0 1"
    ultralytics(tmp_path / "cells", SQUARE, "", triangle)
    add(tmp_path / "cells", "images/train", "labels/train", "empty", None)
    task = load_task(tmp_path / "cells")
    assert (task.name, task.format, task.classes) == ("cells", "YOLO", ("cell", "wall"))
    assert {split: [len(r.instances) for r in records] for split, records in task.splits.items()} == {
        "train": [2, 0],
        "val": [1],
    }
    (_, square), (label, _) = masks_of(task)
    expected = np.zeros((10, 20), dtype=bool)
    expected[2:8, 5:15] = True
    assert (square == expected).all() and label == "wall"
    check_round_trip(task, tmp_path / "out")
    assert load_task(tmp_path / "cells" / "data.yaml").splits == task.splits


def test_the_layout_of_roboflow(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        add(tmp_path / "r", f"{split}/images", f"{split}/labels", f"{split}-1_jpg.rf.0a1b")
    write(tmp_path / "r" / "README.dataset.txt", "cells")
    write(tmp_path / "r" / "data.yaml", ROBOFLOW)
    task = load_task(tmp_path / "r")
    assert {split: len(records) for split, records in task.splits.items()} == {"train": 1, "val": 1, "test": 1}
    check_round_trip(task, tmp_path / "out")
    write(tmp_path / "r" / "data.yaml", "names: [cell, wall]")  # no keys: the usual folders
    assert load_task(tmp_path / "r").splits == task.splits


def test_lists_of_images_and_several_folders(tmp_path: Path) -> None:
    for stem in "abc":
        add(tmp_path, "images/all", "labels/all", stem)
    add(tmp_path, "images/more", "labels/more", "d")
    write(tmp_path / "train.txt", "./images/all/a.jpg\n./images/all/b.jpg\n")
    write(tmp_path / "val.txt", f"{tmp_path}/images/all/c.jpg\n")
    write(tmp_path / "data.yaml", "train: [train.txt, images/more]\nval: val.txt\nnames: {0: cell}")
    task = load_task(tmp_path)
    assert [r.path.name for r in task.split("train")] == ["a.jpg", "b.jpg", "d.jpg"]
    assert [r.path.name for r in task.split("val")] == ["c.jpg"]
    write(tmp_path / "val.txt", "./images/all/c.jpg\n./images/all/x.jpg\n")
    with pytest.raises(DataError, match=r"val\.txt, line 2: the image ./images/all/x\.jpg is missing"):
        load_task(tmp_path)


def test_label_studio_writes_classes_txt(tmp_path: Path) -> None:
    for n in range(10):
        add(tmp_path, "images", "labels", f"{n}")
    with pytest.raises(DataError, match=r"no data\.yaml or classes\.txt"):
        load_task(tmp_path)
    write(tmp_path / "classes.txt", "cell\nwall\n")
    task = load_task(tmp_path)
    assert task.classes == ("cell", "wall") and "split 70/10/20" in task.format and all(task.splits.values())


def test_boxes_are_no_masks_unless_asked_for(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE, BOX)
    with pytest.raises(DataError, match=rf"{label}, line 2: 5 numbers are a class and a box.*--boxes-as-masks"):
        load_task(tmp_path)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert f"1 of 3 instances are {RECTANGLES}" in task.format
    (_, square), (label_name, box) = masks_of(task)
    assert label_name == "wall" and (box == square).all()
    check_round_trip(task, tmp_path / "out")
    assert RECTANGLES in load_task(tmp_path / "out" / "as-rle").format


def test_key_points_are_not_read_as_polygons(tmp_path: Path) -> None:
    ultralytics(tmp_path, BOX + " 0.3 0.3 0.7 0.7")
    write(tmp_path / "data.yaml", ULTRALYTICS + "kpt_shape: [2, 2]\n")
    with pytest.raises(DataError, match="key points and a box"):
        load_task(tmp_path)
    write(tmp_path / "labels" / "val" / "b.txt", BOX + " 0.3 0.3 0.7 0.7")
    assert masks_of(load_task(tmp_path, boxes_as_masks=True))[0][1].sum() == 60


@given(st.integers(0, 19), st.integers(0, 9), st.integers(1, 20), st.integers(1, 10))
def test_rectangles_have_their_area(
    tmp_path_factory: pytest.TempPathFactory, left: int, top: int, width: int, height: int
) -> None:
    root = tmp_path_factory.mktemp("areas")
    right, bottom = min(left + width, 20), min(top + height, 10)
    x0, y0, x1, y1 = left / 20, top / 10, right / 20, bottom / 10
    box = f"0 {(x0 + x1) / 2!r} {(y0 + y1) / 2!r} {x1 - x0!r} {y1 - y0!r}"
    ultralytics(root, f"0 {x0!r} {y0!r} {x1!r} {y0!r} {x1!r} {y1!r} {x0!r} {y1!r}", box)
    expected = np.zeros((10, 20), dtype=bool)
    expected[top:bottom, left:right] = True
    for _, mask in masks_of(read_yolo(root, boxes_as_masks=True)):
        assert (mask == expected).all()


LINES = {
    "is not made of numbers": "0 0.1 0.1 0.2 x 0.3 0.3",
    "the class 2 is not named in data.yaml": "2 0.1 0.1 0.2 0.2 0.3 0.3",
    "the class 0.5": "0.5 0.1 0.1 0.2 0.2 0.3 0.3",
    "a class, a box and a confidence": BOX + " 0.9",
    "it has 8 numbers": SQUARE[:-4],
    "it has 3 numbers": "0 0.1 0.1",
    "the coordinate nan": "0 0.1 0.1 0.2 nan 0.3 0.3",
    "the coordinate 320 lies outside 0 to 1": "0 320 100 330 100 330 120",
    "the coordinate -0.2 lies outside": "0 -0.2 0.1 0.2 0.2 0.3 0.3",
    "the box is 0 wide": "0 0.5 0.5 0 0.1",
}


@pytest.mark.parametrize("cause", LINES)
def test_bad_lines_are_named_with_file_and_number(tmp_path: Path, cause: str) -> None:
    label = ultralytics(tmp_path, SQUARE, LINES[cause])
    with pytest.raises(DataError) as caught:
        read_yolo(tmp_path, boxes_as_masks=True)
    assert cause in str(caught.value) and f"{label}, line 2" in str(caught.value)


def test_a_little_outside_is_clipped(tmp_path: Path) -> None:
    ultralytics(tmp_path, "0 -0.01 -0.01 1.01 -0.01 1.01 1.01 -0.01 1.01")
    assert masks_of(load_task(tmp_path))[0][1].all()


YAMLS = {
    "is not YAML": "names: [cell\ntrain: {",
    "holds a YAML list": "- a",
    "has the names None": "train: images/train",
    "has the names 'cell'": "names: cell",
    "the class name None": "names: [cell, null]",
    "the class name 'cell'": "names: [cell, cell]",
    "the class number 'a'": "names: {a: cell}",
    "says nc: 3, but names 2": ULTRALYTICS + "nc: 3",
    "has train: images/nowhere, which is not there": "names: [cell, wall]\ntrain: images/nowhere",
    "has train: 7; expected a folder": "names: [cell, wall]\ntrain: [7]",
    "but there is no image": "names: [cell, wall]\ntrain: labels",
}


@pytest.mark.parametrize("cause", YAMLS)
def test_bad_yaml_is_named(tmp_path: Path, cause: str) -> None:
    ultralytics(tmp_path, SQUARE)
    write(tmp_path / "data.yaml", YAMLS[cause])
    with pytest.raises(DataError) as caught:
        read_yolo(tmp_path)
    assert cause in str(caught.value) and str(tmp_path / "data.yaml") in str(caught.value)


def test_missing_partners_are_named(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE)
    write(label.with_name("lone.txt"), SQUARE)
    with pytest.raises(DataError, match=r"lone\.txt has no image"):
        load_task(tmp_path)
    label.with_name("lone.txt").unlink()
    label.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.txt is no text in UTF-8"):
        load_task(tmp_path)
    label.unlink()
    with pytest.raises(DataError, match=r"None of the 1 images of train has a label file; looked for .*labels.train.a"):
        load_task(tmp_path)
    (tmp_path / "images" / "train" / "a.jpg").write_text("no picture")
    write(label, SQUARE)
    with pytest.raises(DataError, match=r"a\.jpg is damaged"):
        load_task(tmp_path)
