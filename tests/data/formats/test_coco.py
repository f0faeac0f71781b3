"""COCO: one file for each split, or one file that is split by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samtailor.data import RECTANGLES, load_task, read_coco
from tests.data.formats.coco_content import content, save_task
from tests.data.helpers import data_error, sizes_of, write


def test_files_may_be_in_annotations(tmp_path: Path) -> None:
    root = save_task(tmp_path, content(), "annotations/val.json")
    assert list(read_coco(root).splits) == ["val"]
    assert list(read_coco(root / "annotations" / "val.json").splits) == ["val"]


def test_images_may_be_in_a_folder_of_their_split(tmp_path: Path) -> None:
    data = content()
    data["images"][0]["file_name"] = "train/x/b.png"
    save_task(tmp_path, data)
    data["images"][0]["file_name"] = "x\\b.png"
    (tmp_path / "train.json").write_text(json.dumps(data))
    assert read_coco(tmp_path).split("train")[0].path.parts[-4:] == ("images", "train", "x", "b.png")


def test_images_without_annotations_stay_and_unused_classes_are_listed(tmp_path: Path) -> None:
    data = content()
    data["images"].append({"id": 4, "file_name": "empty.png", "width": 8, "height": 6})
    data["categories"].append({"id": 1, "name": "wall"})
    task = read_coco(save_task(tmp_path, data))
    assert [len(record.instances) for record in task.split("train")] == [1, 0]
    assert task.classes == ("wall", "cell"), "in the order of their ids"


def test_one_file_of_another_name_is_split_by_file_name(tmp_path: Path) -> None:
    data = content()
    data["images"] = [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 6} for n in range(40)]
    save_task(tmp_path, data, "result.json")
    task = load_task(tmp_path / "result.json")
    assert task.format == "COCO json, split 70/10/20 by file name (seed 0)"
    assert len(task.images) == 40 and all(sizes_of(task).values())


def test_boxes_are_filled_if_allowed(tmp_path: Path) -> None:
    data = content()
    del data["annotations"][0]["segmentation"]
    data["annotations"][0]["bbox"] = [2, 1, 5, 3]
    save_task(tmp_path, data)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert task.format == f"COCO json, {RECTANGLES}" and task.split("train")[0].instances[0].area == 15


@pytest.mark.parametrize("box", [None, [1, 2, 3], [1, 1, 0, 4], [1, 1, -2, 4], [0, 0, float("nan"), 2]])
def test_bad_boxes_are_errors(tmp_path: Path, box: list[float] | None) -> None:
    data = content()
    data["annotations"][0] |= {"segmentation": [], "bbox": box}
    save_task(tmp_path, data)
    with data_error(tmp_path / "train.json", "annotation 5 on 'a.png': cannot be used"):
        load_task(tmp_path, boxes_as_masks=True)


def test_a_folder_without_coco_files_is_an_error(tmp_path: Path) -> None:
    with data_error("No COCO file", "annotations/", "There is no json file"):
        read_coco(tmp_path)
    path = write(tmp_path / "notes.json", {"version": 1})
    with data_error("No COCO file", f"{path} is a JSON object without images and annotations"):
        load_task(tmp_path, format="coco")


def test_reading_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_coco(save_task(tmp_path, content()))
    assert capsys.readouterr() == ("", "")
