"""COCO files are found by content, in the layouts of the tools that write them, with the splits they have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import load_task
from samtailor.data.formats.coco_search import base_folder, search_coco, sniff
from tests.data.formats.coco_content import content
from tests.data.helpers import data_error, picture, sizes_of, write

FIELD = Path(__file__).parents[1] / "field"


def add(json_path: Path, pictures: Path, names: tuple[str, ...] = ("a.png", "b.png"), **values: Any) -> Path:
    """Write a COCO file with one mask of 15 pixels on each picture, and the pictures."""
    data = content([[2, 1, 7, 1, 7, 4, 2, 4]])
    annotation = data["annotations"][0]
    data["images"] = [{"id": n, "file_name": name, "width": 12, "height": 8} for n, name in enumerate(names)]
    data["annotations"] = [{**annotation, "id": n, "image_id": n, "bbox": [2, 1, 5, 3]} for n in range(len(names))]
    for name in names:
        picture(pictures / name)
    return write(json_path, {**data, **values})


# json file and folder of pictures, for the split; the words in the format line
LAYOUTS = {
    "published": ("annotations/instances_{}2017.json", "{}2017", "splits train2017/val2017"),
    "subsets": ("annotations/instances_{}.json", "images/{}", "splits train/val"),
    "roboflow": ("{}/_annotations.coco.json", "{}", "COCO json (Roboflow), splits train/val"),
    "json beside a folder of images": ("{}/annotations.json", "{}/images", "splits train/val"),
    "annotations in each split": ("{}/annotations/instances_{}.json", "{}/images", "splits train/val"),
    "folders of annotations": ("annotations/{}/instances.json", "images/{}", "splits train/val"),
    "labels": ("labels/{}.json", "images/{}", "splits train/val"),
    "words": ("livecell_coco_{}.json", "images/livecell_train_val_images", "splits train/val"),
    "inside the folder of pictures": ("images/{}/_annotations.coco.json", "images/{}", "splits train/val"),
    "one folder further in": ("coco/annotations/instances_{}2017.json", "coco/{}2017", "splits train2017/val2017"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_usual_layouts_are_read_with_their_splits(tmp_path: Path, layout: str) -> None:
    json_name, folder, words = LAYOUTS[layout]
    for split in ("train", "val"):
        names = ("a.png", "b.png") if "{}" in folder else (f"{split}_a.png", f"{split}_b.png")
        add(tmp_path / json_name.format(split, split), tmp_path / folder.format(split), names)
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 2} and words in task.format
    for split in ("train", "val"):
        for record in task.split(split):
            assert split in str(record.path.relative_to(tmp_path)) and [i.area for i in record.instances] == [15]


def test_names_of_splits_may_be_written_in_other_ways(tmp_path: Path) -> None:
    for split in ("Train", "valid", "Testing"):
        add(tmp_path / split / "_annotations.coco.json", tmp_path / split)
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 2, "test": 2} and "splits Train/valid/Testing" in task.format


def test_a_file_may_be_passed_in_any_layout(tmp_path: Path) -> None:
    path = add(tmp_path / "annotations" / "instances_val2017.json", tmp_path / "val2017")
    task = load_task(path)
    assert (sizes_of(task), task.format, task.root) == ({"val": 2}, "COCO json", tmp_path)


def test_instances_are_preferred_and_the_other_files_are_named(tmp_path: Path) -> None:
    for kind in ("captions", "instances", "person_keypoints"):
        add(tmp_path / "annotations" / f"{kind}_train2017.json", tmp_path / "train2017")
    write(tmp_path / "annotations" / "image_info_test2017.json", {"images": [], "categories": []})
    task = load_task(tmp_path)
    assert "(annotations/instances_train2017.json)" in task.format
    (finding,) = task.findings
    assert (finding.code, finding.count) == ("unread-files", 3)
    assert "image_info_test2017.json: it lists images without annotations" in finding.what


def test_files_without_a_split_in_one_folder_are_an_error(tmp_path: Path) -> None:
    add(tmp_path / "a.json", tmp_path / "images")
    add(tmp_path / "b.json", tmp_path / "images")
    with data_error("2 COCO files whose names name no split", tmp_path / "a.json", "Pass the path of one file"):
        load_task(tmp_path)


def test_files_of_one_name_in_several_folders_are_read_together(tmp_path: Path) -> None:
    for batch in ("one", "two"):
        add(tmp_path / batch / "annotations.json", tmp_path / batch)
    task = load_task(tmp_path)
    assert len(task.images) == 4
    ids = sorted(instance.id for record in task.images for instance in record.instances)
    assert ids == [0, 1, 2, 3], "unique, although both files use 0 and 1"


def test_roboflows_group_of_all_classes_is_no_class(tmp_path: Path) -> None:
    categories = [
        {"id": 0, "name": "plants", "supercategory": "none"},
        {"id": 2, "name": "leaf", "supercategory": "plants"},
    ]
    add(tmp_path / "train" / "_annotations.coco.json", tmp_path / "train", categories=categories)
    assert load_task(tmp_path).classes == ("leaf",)


def test_a_picture_of_another_split_is_never_used(tmp_path: Path) -> None:
    add(tmp_path / "annotations" / "instances_train.json", tmp_path / "images" / "train", ("a.png", "b.png", "c.png"))
    add(tmp_path / "annotations" / "instances_val.json", tmp_path / "images" / "val", ("a.png", "b.png", "c.png"))
    (tmp_path / "images" / "train" / "a.png").unlink()
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 3} and "1 of 12 entries left out" in task.format


def test_equal_names_in_two_splits_have_the_areas_of_their_own_pictures() -> None:
    task = load_task(FIELD / "coco-subset-folders" / "data")
    areas = {split: [[i.area for i in record.instances] for record in task.split(split)] for split in task.splits}
    assert areas == {
        "train": [[600, 473], [491, 510], [542, 577], [466, 526], [522, 490], [459, 531]],
        "val": [[471, 545], [583, 555], [581, 590]],
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"images": [], "annotations": [], "categories": []}', "instances"),
        ('\ufeff {"annotations" : {}, "images":\n[]}', "instances"),
        ('{"images": [], "annotations": [{"segments_info": []}]}', "panoptic"),
        ('{"images": [], "categories": []}', "images"),
        ('{"shapes": [], "imagePath": "a.png"}', ""),
        ('[{"images": [], "annotations": []}]', ""),
        ("", ""),
    ],
)
def test_files_are_recognised_without_parsing(tmp_path: Path, text: str, kind: str) -> None:
    path = write(tmp_path / "a.json", text)
    assert sniff(path)[0] == kind
    path.write_text(text, encoding="utf-16")
    assert sniff(path)[0] == kind


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.json")
    with data_error("train.json is a pipe or a device"):
        load_task(tmp_path)
    with data_error("train.json is a pipe or a device"):
        load_task(tmp_path / "train.json")


def test_the_folder_of_a_file_is_the_one_above_its_annotations() -> None:
    root = Path("data")
    for name in ("a.json", "annotations/a.json", "labels/a.json", "annotations/train/a.json"):
        assert base_folder(root / name) == root
    assert base_folder(root / "train" / "a.json") == root / "train"


def test_folders_of_many_json_files_are_not_read_whole(tmp_path: Path) -> None:
    for number in range(200):
        write(tmp_path / f"{number}.json", {"shapes": []})
    search = search_coco(tmp_path)
    assert not search.sources and len(search.near_misses) < 50
