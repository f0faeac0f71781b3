"""COCO files as published data sets and tools arrange them are read to the pixel, with the splits of their authors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, corners, photo, scene
from tests.data.helpers import data_error, sizes_of, write

CATEGORIES = [{"id": 1, "name": "leaf", "supercategory": ""}, {"id": 2, "name": "stem", "supercategory": ""}]
IDS = {"leaf": 1, "stem": 2}


def coco(names: dict[int, str], first: int = 1, **more: Any) -> dict[str, Any]:
    """Return a COCO file of scenes: number of the scene -> file name."""
    images, annotations = [], []
    for key, (n, name) in enumerate(names.items(), first):
        images.append({"id": key, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for shape in scene(n):
            _, x, y, w, h = shape
            polygon = [float(value) for corner in corners(shape) for value in corner]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": key,
                    "category_id": IDS[shape[0]],
                    "segmentation": [polygon],
                    "bbox": [x, y, w, h],
                    "area": w * h * 3 // 4,
                    "iscrowd": 0,
                }
            )
    return {"images": images, "annotations": annotations, "categories": CATEGORIES, **more}


def photos(root: Path, names: Iterable[str]) -> None:
    for name in names:
        photo(root / name)


def test_taco_with_batches(tmp_path: Path) -> None:
    names = {0: "batch_1/a0.jpg", 1: "batch_1/a1.JPG", 2: "batch_2/a2.jpg"}
    photos(tmp_path / "data", names.values())
    write(tmp_path / "data" / "annotations.json", coco(names, scene_annotations=[], scene_categories=[]))
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)})


def test_batches_with_the_same_file_names(tmp_path: Path) -> None:
    names = {0: "batch_1/000.jpg", 1: "batch_2/000.jpg", 2: "batch_3/000.jpg"}
    photos(tmp_path, names.values())
    write(tmp_path / "annotations.json", coco(names))
    task = load_task(tmp_path)
    areas = {r.path.parent.name: sorted(i.area for i in r.instances) for r in task.images}
    assert areas == {f"batch_{n + 1}": sorted(s[3] * s[4] * 3 // 4 for s in scene(n)) for n in range(3)}


def test_fiftyone_with_data_and_labels(tmp_path: Path) -> None:
    names = {n: f"a{n}.jpg" for n in range(3)}
    photos(tmp_path / "data", names.values())
    write(tmp_path / "labels.json", coco(names, info={"description": "FiftyOne"}))
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)})


def test_labelme2coco_with_windows_paths(tmp_path: Path) -> None:
    names = {n: f"JPEGImages\\a{n}.jpg" for n in range(3)}
    photos(tmp_path / "JPEGImages", (f"a{n}.jpg" for n in range(3)))
    write(tmp_path / "annotations.json", coco(names))
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)})


def test_cvat_coco_with_subsets(tmp_path: Path) -> None:
    for split, numbers in (("Train", (0, 1, 2)), ("Validation", (3,)), ("Test", (4,))):
        photos(tmp_path / "images" / split, (f"a{n}.jpg" for n in numbers))
        write(tmp_path / "annotations" / f"instances_{split}.json", coco({n: f"a{n}.jpg" for n in numbers}))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"a{n}": n for n in range(5)})


def test_isaid_with_a_file_for_each_split(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1)), ("val", (2,))):
        names = {n: f"P000{n}_0_800_0_800.png" for n in numbers}
        photos(tmp_path / split / "images", names.values())
        for n in numbers:
            photo(tmp_path / split / "images" / f"P000{n}_0_800_0_800_instance_id_RGB.png")
        write(tmp_path / split / f"instancesonly_filtered_{split}.json", coco(names))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 1}
    check_scenes(task, {f"P000{n}_0_800_0_800": n for n in range(3)})


def test_livecell_with_dicts_and_plate_folders(tmp_path: Path) -> None:
    for split, word, numbers in (
        ("train", "livecell_train_val_images", (0, 1)),
        ("val", "livecell_train_val_images", (2,)),
    ):
        names = {n: f"A172_Phase_{n}.tif" for n in numbers}
        photos(tmp_path / "images" / word / "A172", names.values())
        content = coco(names)
        content["annotations"] = {str(a["id"]): a for a in content["annotations"]}
        write(tmp_path / "annotations" / f"livecell_coco_{split}.json", content)
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 1}
    check_scenes(task, {f"A172_Phase_{n}": n for n in range(3)})


def test_datasets_with_json_files_named_after_the_set(tmp_path: Path) -> None:
    for split, numbers in (("training", (0, 1)), ("validation", (2,))):
        photos(tmp_path / "images", (f"a{n}.png" for n in numbers))
        write(tmp_path / f"plants_{split}_v3.json", coco({n: f"a{n}.png" for n in numbers}))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 2, "val": 1}
    check_scenes(task, {f"a{n}": n for n in range(3)})


def test_pretty_printed_annotations_before_images(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(3)}
    photos(tmp_path, names.values())
    content = coco(names)
    write(tmp_path / "x.json", {key: content[key] for key in ("annotations", "categories", "images")})
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)})


def test_urls_and_queries_as_file_names(tmp_path: Path) -> None:
    names = {n: f"https://store.example/p%20q/a%C3%A9{n}.png?X-Sig=1" for n in range(3)}
    photos(tmp_path / "images", (f"aé{n}.png" for n in range(3)))
    write(tmp_path / "x.json", coco(names))
    check_scenes(load_task(tmp_path), {f"aé{n}": n for n in range(3)})


def rotated(content: dict[str, Any]) -> dict[str, Any]:
    for k, annotation in enumerate(content["annotations"]):
        x, y = 10 + k % 3, 12
        annotation["segmentation"] = [[x, y, x + 6, y + 6, x + 2, y + 10, x - 4, y + 4]]
    return content


def test_oriented_boxes_written_as_polygons_are_boxes(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(5)}
    photos(tmp_path / "images", names.values())
    write(tmp_path / "x.json", rotated(coco(names)))
    with data_error("four corners with right angles", "--boxes-as-masks"):
        load_task(tmp_path)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert "rectangles, not masks" in task.format and len(task.images) == 5


def test_a_few_rectangles_among_outlines_are_masks(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(5)}
    photos(tmp_path / "images", names.values())
    content = coco(names)
    content["annotations"][0]["segmentation"] = [[2, 2, 12, 2, 12, 8, 2, 8]]
    write(tmp_path / "x.json", content)
    task = load_task(tmp_path)
    assert sum(len(r.instances) for r in task.images) == 10


def test_results_without_images_name_what_is_missing(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.png")
    write(
        tmp_path / "results.json",
        [{"image_id": 1, "category_id": 1, "segmentation": {"size": [1, 1], "counts": ""}, "score": 0.9}],
    )
    with data_error("results.json", "images and annotations"):
        load_task(tmp_path)


def test_broken_entries_are_listed_at_once_and_counted(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(5)}
    photos(tmp_path / "images", names.values())
    content = coco(names)
    content["annotations"][0]["segmentation"] = []
    content["annotations"][3]["category_id"] = 99
    write(tmp_path / "x.json", content)
    task = load_task(tmp_path)
    assert "2 of 15 entries left out" in task.format
    for annotation in content["annotations"][:6]:
        annotation["category_id"] = 99
    write(tmp_path / "x.json", content)
    with data_error("6 of 15 entries", "annotation 1 on", "annotation 6 on", "skip_broken"):
        load_task(tmp_path)
    assert sum(len(r.instances) for r in load_task(tmp_path, skip_broken=True).images) == 4


@pytest.mark.parametrize("key", ["width", "height"])
def test_swapped_and_wrong_sizes_are_named(tmp_path: Path, key: str) -> None:
    names = {n: f"a{n}.png" for n in range(5)}
    photos(tmp_path / "images", names.values())
    content = coco(names)
    for image in content["images"]:
        image[key] = 31
    write(tmp_path / "x.json", content)
    with data_error("31"):
        load_task(tmp_path)
