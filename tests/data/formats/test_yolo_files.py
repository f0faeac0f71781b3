"""YOLO: layouts that tools write, and faults in the yaml file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.data import load_task, read_yolo
from samtailor.data.formats.yolo_files import label_file
from samtailor.errors import DataError
from tests.data.formats.yolo_content import ROBOFLOW, SQUARE, ULTRALYTICS, add, ultralytics
from tests.data.helpers import check_round_trip, data_error, left_out, sizes_of, stems_of, write


def test_the_layout_of_roboflow_is_read(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        add(tmp_path / "r", f"{split}/images", f"{split}/labels", f"{split}-1_jpg.rf.0a1b")
    write(tmp_path / "r" / "README.dataset.txt", "cells")
    write(tmp_path / "r" / "data.yaml", ROBOFLOW)
    task = load_task(tmp_path / "r")
    assert sizes_of(task) == {"train": 1, "val": 1, "test": 1}
    check_round_trip(task, tmp_path / "out")
    write(tmp_path / "r" / "data.yaml", "names: [cell, wall]")  # without keys: the usual folders
    assert load_task(tmp_path / "r").splits == task.splits


def test_keys_may_name_lists_of_images_and_several_folders(tmp_path: Path) -> None:
    for stem in "abc":
        add(tmp_path, "images/all", "labels/all", stem)
    add(tmp_path, "images/more", "labels/more", "d")
    write(tmp_path / "train.txt", "./images/all/a.jpg\n./images/all/b.jpg\n")
    write(tmp_path / "val.txt", f"{tmp_path}/images/all/c.jpg\n")
    write(tmp_path / "data.yaml", "train: [train.txt, images/more]\nval: val.txt\nnames: {0: cell}")
    assert stems_of(load_task(tmp_path)) == {"train": ["a", "b", "d"], "val": ["c"]}
    write(tmp_path / "val.txt", "./images/all/c.jpg\n./images/all/x.jpg\n")
    assert "val.txt, line 2: the image ./images/all/x.jpg is missing" in load_task(tmp_path).findings[0].what
    write(tmp_path / "val.txt", "x.jpg\ny.jpg\n")
    assert "lists 2 images, and none of them exists, the first is x.jpg" in load_task(tmp_path).findings[0].what


def test_classes_txt_names_the_classes_without_a_yaml(tmp_path: Path) -> None:
    for n in range(10):
        add(tmp_path, "images", "labels", f"{n}")
    with data_error("has no data.yaml and no classes.txt", "names:\n  0: class 0"):
        load_task(tmp_path)
    write(tmp_path / "classes.txt", "cell\nwall\n")
    task = load_task(tmp_path)
    assert task.classes == ("cell", "wall") and all(task.splits.values())
    assert task.format == "YOLO, split 70/10/20 by file name (seed 0)"


def test_the_label_file_is_in_labels_or_beside_the_image(tmp_path: Path) -> None:
    images = tmp_path / "images" / "x"
    assert label_file(images / "a.jpg") == tmp_path / "labels" / "x" / "a.txt"
    beside = write(images / "a.txt", "")
    assert label_file(images / "a.jpg") == beside
    assert label_file(tmp_path / "pictures" / "a.jpg") == tmp_path / "pictures" / "a.txt"


YAMLS = {
    "is not YAML": "names: [cell\ntrain: {",
    "holds a YAML list": "- a",
    "has no names of the classes": "train: images/train",
    "has the names 5": "names: 5",
    "the class name None": "names: [cell, null]",
    "the class name 'cell'": "names: [cell, cell]",
    "the class number 'a'": "names: {a: cell}",
    "has nc: 3, but names 2 classes": ULTRALYTICS + "nc: 3",
    "has train: images/nowhere, which does not exist": "names: [cell, wall]\ntrain: images/nowhere",
    "has train: 7; expected a folder": "names: [cell, wall]\ntrain: [7]",
    "but no image is there": "names: [cell, wall]\ntrain: labels",
}


@pytest.mark.parametrize("cause", YAMLS)
def test_errors_name_the_yaml_file_and_the_cause(tmp_path: Path, cause: str) -> None:
    ultralytics(tmp_path, SQUARE)
    write(tmp_path / "data.yaml", YAMLS[cause])
    with data_error(tmp_path / "data.yaml", cause):
        read_yolo(tmp_path)


@pytest.mark.parametrize(
    "names", ["[&a x, *a]", "&a {0: *a}", "&a [x]\nb: &b [*a, *a]\nc: [*b, *b]"], ids=["one", "cycle", "nested"]
)
def test_aliases_in_a_yaml_are_refused_before_they_expand(tmp_path: Path, names: str) -> None:
    ultralytics(tmp_path, SQUARE)
    write(tmp_path / "data.yaml", f"names: {names}\ntrain: images/train\n")
    with data_error(tmp_path / "data.yaml", "aliases are not read"):
        load_task(tmp_path)


def test_a_huge_yaml_is_refused(tmp_path: Path) -> None:
    ultralytics(tmp_path, SQUARE)
    write(tmp_path / "data.yaml", "names: [" + "a, " * 400_000 + "]")
    with data_error("expected at most 1,000,000"):
        load_task(tmp_path)


def test_a_list_outside_the_task_is_noted_and_never_quoted(tmp_path: Path) -> None:
    root = tmp_path / "task"
    ultralytics(root, SQUARE, SQUARE.replace("0.8", "0.7"))
    secret = write(tmp_path / "secret.txt", "root:x:0:0\n" * 5)
    write(root / "data.yaml", f"names: [cell, wall]\ntrain: images/train\nval: {secret}\n")
    task = load_task(root)
    assert [f.code for f in task.findings] == ["outside-task", "broken-entries"]
    assert "root:x" not in "".join(f.what for f in task.findings)
    write(root / "data.yaml", f"names: [cell, wall]\ntrain: {secret}\n")
    with pytest.raises(DataError) as caught:
        load_task(root)
    assert "root:x" not in str(caught.value)


def test_paths_of_another_machine_are_found_by_their_ends(tmp_path: Path) -> None:
    ultralytics(tmp_path, SQUARE)
    before = load_task(tmp_path).splits
    write(tmp_path / "train.txt", "C:\\data\\cells\\images\\train\\a.jpg\n")
    write(tmp_path / "val.txt", "/kaggle/input/cells/images/val/b.jpg\n")
    for train, val in (("train.txt", "val.txt"), ("/content/cells/images/train", "../images/val")):
        write(
            tmp_path / "data.yaml", f"path: /content/cells\nnames: [cell, wall]\nnc: '2'\ntrain: {train}\nval: {val}\n"
        )
        assert load_task(tmp_path).splits == before


def test_a_missing_split_is_left_out_if_there_are_others(tmp_path: Path) -> None:
    ultralytics(tmp_path, SQUARE)
    write(tmp_path / "data.yaml", ULTRALYTICS.replace("test: #", "test: images/test #"))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 1, "val": 1}
    assert "has test: images/test, which does not exist" in left_out(task)


def test_darknets_obj_data_is_read(tmp_path: Path) -> None:
    add(tmp_path, "obj_train_data", "obj_train_data", "a")
    write(tmp_path / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    write(tmp_path / "obj.names", "cell\nwall\n")
    write(tmp_path / "train.txt", "data/obj_train_data/a.jpg\n")
    task = load_task(tmp_path)
    assert task.classes == ("cell", "wall") and stems_of(task) == {"train": ["a"]}


@pytest.mark.parametrize("table", ["classes.txt", "data.yaml"])
def test_lines_of_a_linked_file_elsewhere_are_not_shown_as_classes(tmp_path: Path, table: str) -> None:
    (tmp_path / "secret").write_text("names: [root:x:0]\n")
    folder = tmp_path / "task"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(folder / "images" / "a.png")
    (folder / "labels" / "a.txt").write_text("7 0.1 0.1 0.5 0.1 0.4 0.6\n")
    (folder / table).symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=f"{table} is a link to a file outside") as caught:
        load_task(folder)
    assert "x:0" not in str(caught.value)
