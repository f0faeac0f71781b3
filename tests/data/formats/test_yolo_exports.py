"""YOLO data sets as tools arrange them are read to the pixel, with their splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor.data import load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, corners, photo, scene
from tests.data.helpers import data_error, sizes_of, write

IDS = {"leaf": 0, "stem": 1}


def lines(n: int) -> str:
    rows = []
    for shape in scene(n):
        values = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners(shape))
        rows.append(f"{IDS[shape[0]]} {values}")
    return "\n".join(rows) + "\n"


def pairs(root: Path, images: str, labels: str, numbers: range | tuple[int, ...]) -> None:
    for n in numbers:
        photo(root / images / f"a{n}.jpg")
        write(root / labels / f"a{n}.txt", lines(n))


def check(task: object, sizes: dict[str, int]) -> None:
    assert sizes_of(task) == sizes
    check_scenes(task, {f"a{n}": n for n in range(sum(sizes.values()))})


def test_ultralytics_with_an_absolute_path_of_another_machine(tmp_path: Path) -> None:
    pairs(tmp_path, "images/train", "labels/train", (0, 1, 2))
    pairs(tmp_path, "images/val", "labels/val", (3,))
    write(
        tmp_path / "data.yaml",
        "path: /content/datasets/plants\ntrain: images/train\nval: images/val\nnames:\n  0: leaf\n  1: stem\n",
    )
    check(load_task(tmp_path), {"train": 3, "val": 1})


def test_roboflow_whose_test_folder_is_missing(tmp_path: Path) -> None:
    pairs(tmp_path, "train/images", "train/labels", (0, 1, 2))
    pairs(tmp_path, "valid/images", "valid/labels", (3,))
    write(
        tmp_path / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\n"
        "nc: 2\nnames: ['leaf', 'stem']\n\nroboflow:\n  workspace: x\n",
    )
    check(load_task(tmp_path), {"train": 3, "val": 1})


def test_lists_of_images_with_windows_paths(tmp_path: Path) -> None:
    pairs(tmp_path, "images", "labels", range(4))
    write(tmp_path / "train.txt", "\n".join(f"C:\\data\\images\\a{n}.jpg" for n in range(3)))
    write(tmp_path / "val.txt", "./images/a3.jpg\n")
    write(tmp_path / "plants.yaml", "train: train.txt\nval: val.txt\nnames: [leaf, stem]\n")
    check(load_task(tmp_path), {"train": 3, "val": 1})


def test_label_studio_export_with_notes_json(tmp_path: Path) -> None:
    pairs(tmp_path, "images", "labels", range(4))
    write(tmp_path / "classes.txt", "leaf\nstem\n")
    write(tmp_path / "notes.json", {"categories": [{"id": 0, "name": "leaf"}], "info": {}})
    task = load_task(tmp_path)
    check_scenes(task, {f"a{n}": n for n in range(4)})


def test_images_and_labels_in_one_folder(tmp_path: Path) -> None:
    pairs(tmp_path, "train", "train", (0, 1, 2))
    pairs(tmp_path, "val", "val", (3,))
    write(tmp_path / "data.yaml", "train: train\nval: val\nnames: [leaf, stem]\n")
    check(load_task(tmp_path), {"train": 3, "val": 1})


def test_cvat_yolo_with_boxes_is_refused(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "obj_train_data" / f"a{n}.jpg")
        write(tmp_path / "obj_train_data" / f"a{n}.txt", "0 0.5 0.5 0.2 0.2\n")
    write(tmp_path / "obj.names", "leaf\n")
    write(tmp_path / "obj.data", "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    write(tmp_path / "train.txt", "".join(f"data/obj_train_data/a{n}.jpg\n" for n in range(3)))
    with data_error("box", "--boxes-as-masks"):
        load_task(tmp_path)


def test_roboflow_oriented_boxes_are_refused(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "train" / "images" / f"a{n}.jpg")
        write(tmp_path / "train" / "labels" / f"a{n}.txt", "0 0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.5\n")
    write(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['leaf']\n")
    with data_error("right angles", "--boxes-as-masks"):
        load_task(tmp_path)


@pytest.mark.parametrize("ending", ["\r\n", "\n\n", " \n"])
def test_ends_of_lines_do_not_matter(tmp_path: Path, ending: str) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"a{n}.jpg")
        write(tmp_path / "labels" / f"a{n}.txt", lines(n).replace("\n", ending))
    write(tmp_path / "data.yaml", "names: [leaf, stem]\n")
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(4)})


def test_an_unknown_class_is_listed(tmp_path: Path) -> None:
    pairs(tmp_path, "images", "labels", range(4))
    write(tmp_path / "data.yaml", "names: [leaf]\n")
    with data_error("4 of", "class 1"):
        load_task(tmp_path)
