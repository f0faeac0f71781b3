"""YOLO: lines of label files become masks, and every error names file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data import RECTANGLES, load_task, read_yolo
from tests.data.formats.yolo_content import BOX, SQUARE, ULTRALYTICS, add, ultralytics
from tests.data.helpers import check_round_trip, data_error, masks_of, write


def test_the_layout_of_ultralytics_is_read(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("suffix", [".gif", ".ppm", ".jfif"])
def test_images_of_less_common_formats_are_not_passed_over(tmp_path: Path, suffix: str) -> None:
    ultralytics(tmp_path, SQUARE, "")
    for path in [path for path in (tmp_path / "images").rglob("*") if path.is_file()]:
        with Image.open(path) as image:
            image.convert("RGB").save(path.with_suffix(suffix), format="JPEG" if suffix == ".jfif" else None)
        path.unlink()
    task = load_task(tmp_path)
    assert {record.path.suffix for record in task.images} == {suffix}
    assert [int(mask.sum()) for _, mask in masks_of(task)] == [60]


def test_boxes_among_masks_are_left_out_unless_allowed(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE, BOX)
    task = load_task(tmp_path)
    finding = task.findings[0]
    assert (finding.code, finding.count, len(masks_of(task))) == ("broken-entries", 1, 1)
    assert f"{label}, line 2: it has 5 numbers, which are a class and a box" in finding.what
    assert "--boxes-as-masks" in finding.hint and task.format == "YOLO, 1 of 3 entries left out"
    task = load_task(tmp_path, boxes_as_masks=True)
    assert f"1 of 3 instances are {RECTANGLES}" in task.format
    (_, square), (name, box) = masks_of(task)
    assert name == "wall" and (box == square).all()
    check_round_trip(task, tmp_path / "out")
    assert RECTANGLES in load_task(tmp_path / "out" / "as-rle").format


def test_boxes_alone_are_an_error_unless_allowed(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, BOX, BOX.replace("0.5", "0.4"))
    write(tmp_path / "labels" / "val" / "b.txt", "")
    with data_error("All 2 lines", "boxes of 5 numbers", f"line 1 of {label}", "--boxes-as-masks"):
        load_task(tmp_path)
    assert task_is_boxes(tmp_path)


def test_oriented_boxes_are_treated_like_upright_ones(tmp_path: Path) -> None:
    turned = "0 0.3 0.2 0.5 0.6 0.42 0.76 0.22 0.36"  # corners (6, 2), (10, 6), (8.4, 7.6), (4.4, 3.6): a rectangle
    ultralytics(tmp_path, turned)
    write(tmp_path / "labels" / "val" / "b.txt", turned)
    with data_error("All 2 lines", "four corners with right angles", "OBB", "--boxes-as-masks"):
        load_task(tmp_path)
    assert task_is_boxes(tmp_path)
    write(tmp_path / "labels" / "val" / "b.txt", SQUARE)  # five corners: these are outlines
    assert RECTANGLES not in load_task(tmp_path).format


def task_is_boxes(root: Path) -> bool:
    return RECTANGLES in load_task(root, boxes_as_masks=True).format


def test_the_same_line_twice_is_one_instance_and_a_note(tmp_path: Path) -> None:
    ultralytics(tmp_path, SQUARE, SQUARE, SQUARE.replace("0 ", "1 ", 1))
    task = load_task(tmp_path)
    assert [label for label, _ in masks_of(task)] == ["cell", "wall"]
    assert [(finding.code, finding.count) for finding in task.findings] == [("repeated-instance", 1)]


def test_label_files_and_lists_may_be_utf16(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE)
    before = load_task(tmp_path).splits
    for encoding in ("utf-16", "utf-16-le", "utf-8-sig"):
        label.write_bytes(SQUARE.encode(encoding))
        assert load_task(tmp_path).splits == before


def test_broken_lines_are_listed_at_once(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, *[SQUARE] * 2, *["0 0.1 0.1"] * 30)
    with data_error("30 of 33 entries", f"{label}, line 3", f"{label}, line 22", "and 10 more", "skip_broken=True"):
        load_task(tmp_path)
    assert len(masks_of(load_task(tmp_path, skip_broken=True))) == 1


def test_key_points_are_not_read_as_polygons(tmp_path: Path) -> None:
    ultralytics(tmp_path, BOX + " 0.3 0.3 0.7 0.7")
    write(tmp_path / "data.yaml", ULTRALYTICS + "kpt_shape: [2, 2]\n")
    write(tmp_path / "labels" / "val" / "b.txt", BOX + " 0.3 0.3 0.7 0.7")
    with data_error("key points and boxes"):
        load_task(tmp_path)
    assert masks_of(load_task(tmp_path, boxes_as_masks=True))[0][1].sum() == 60


@given(st.integers(0, 19), st.integers(0, 9), st.integers(1, 20), st.integers(1, 10))
def test_polygons_and_boxes_of_a_rectangle_give_the_same_mask(
    tmp_path_factory: pytest.TempPathFactory, left: int, top: int, width: int, height: int
) -> None:
    root = tmp_path_factory.mktemp("areas")
    right, bottom = min(left + width, 20), min(top + height, 10)
    x0, y0, x1, y1 = left / 20, top / 10, right / 20, bottom / 10
    box = f"0 {(x0 + x1) / 2!r} {(y0 + y1) / 2!r} {x1 - x0!r} {y1 - y0!r}"
    ultralytics(root, f"0 {x0!r} {y0!r} {x1!r} {y0!r} {x1!r} {y1!r} {x0!r} {y1!r}", f"1{box[1:]}")
    expected = np.zeros((10, 20), dtype=bool)
    expected[top:bottom, left:right] = True
    for _, mask in masks_of(read_yolo(root, boxes_as_masks=True)):
        assert (mask == expected).all()


LINES = {
    "expected numbers": "0 0.1 0.1 0.2 x 0.3 0.3",
    "the class 2; expected a class in data.yaml: 0 cell, 1 wall": "2 0.1 0.1 0.2 0.2 0.3 0.3",
    "the class 0.5": "0.5 0.1 0.1 0.2 0.2 0.3 0.3",
    "a class, a box and a confidence": BOX + " 0.9",
    "it has 10 numbers": SQUARE[:-4],
    "it has 3 numbers": "0 0.1 0.1",
    "the coordinate nan": "0 0.1 0.1 0.2 nan 0.3 0.3",
    "the coordinate 320; expected 0 to 1": "0 320 100 330 100 330 120",
    "the coordinate -0.2; expected 0 to 1": "0 -0.2 0.1 0.2 0.2 0.3 0.3",
    "the box is 0 wide": "0 0.5 0.5 0 0.1",
}


@pytest.mark.parametrize("cause", LINES)
def test_errors_name_the_file_and_the_line(tmp_path: Path, cause: str) -> None:
    label = ultralytics(tmp_path, SQUARE, *[LINES[cause]] * 4)
    with data_error(f"{label}, line 2", f"{label}, line 5", cause):
        read_yolo(tmp_path, boxes_as_masks=True)


def test_points_just_outside_the_image_are_clipped(tmp_path: Path) -> None:
    ultralytics(tmp_path, "0 -0.01 -0.01 0.5 -0.01 1.01 -0.01 1.01 1.01 -0.01 1.01")
    assert masks_of(load_task(tmp_path))[0][1].all()


def test_a_label_file_without_an_image_is_counted(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE)
    write(label.with_name("extra.txt"), SQUARE)
    assert "extra.txt: it has no image" in load_task(tmp_path).findings[0].what
    for n in range(3):
        write(label.with_name(f"extra{n}.txt"), SQUARE)
    with data_error("4 of 6 entries", "extra2.txt: it has no image"):
        load_task(tmp_path)


def test_images_without_any_label_file_are_an_error(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE)
    label.unlink()
    with data_error("None of the 1 images of train has a label file", label):
        load_task(tmp_path)


def test_damaged_files_are_errors(tmp_path: Path) -> None:
    label = ultralytics(tmp_path, SQUARE)
    write(label.parents[1] / "val" / "b.txt", "")
    label.write_bytes(b"\x89\xff\x81")
    with data_error("a.txt is not UTF-8 text"):
        load_task(tmp_path)
    (tmp_path / "images" / "train" / "a.jpg").write_text("no picture")
    with data_error("a.jpg is damaged"):
        load_task(tmp_path)
