"""Files written in other ways with only one meaning are read to the pixel; errors say what to pass instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import RECTANGLES, Task, load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, corners, label_map, mask_of, photo, scene
from tests.data.formats.test_coco_exports import coco, photos
from tests.data.formats.test_yolo_exports import lines
from tests.data.helpers import data_error, left_out, save, write

FOUR = {f"a{n}": n for n in range(4)}
TURNED = ([[10, 12], [16, 18], [12, 22], [6, 16]], [[30, 2], [36, 8], [32, 12], [26, 6]])  # oriented boxes


def codes(task: Task) -> list[str]:
    return [finding.code for finding in task.findings]


def labelme(n: int, **more: Any) -> dict[str, Any]:
    shapes = [
        {"label": s[0], "points": [[float(x), float(y)] for x, y in corners(s)], "shape_type": "polygon"}
        for s in scene(n)
    ]
    sizes = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
    return {"version": "5.2.1", "shapes": shapes, "imagePath": f"a{n}.jpg", "imageData": None, **sizes, **more}


def without_sizes(n: int) -> dict[str, Any]:
    content = labelme(n)
    return {key: content[key] for key in ("shapes", "imagePath")}


def without_types(n: int) -> dict[str, Any]:
    content = labelme(n, imageHeight=str(HEIGHT), imageWidth=f" {WIDTH}")
    for shape in content["shapes"]:
        del shape["shape_type"]
    return content


LABELME: dict[str, Callable[[int], dict[str, Any]]] = {
    "no sizes and no imageData": without_sizes,
    "no types, and sizes as text": without_types,
    "an absolute path of Windows": lambda n: labelme(n, imagePath=f"D:\\work\\imgs\\a{n}.jpg"),
    "keys of version 3": lambda n: labelme(n, lineColor=[0, 255, 0, 128], fillColor=[255, 0, 0, 128]),
}


@pytest.mark.parametrize("kind", LABELME)
def test_labelme_files(tmp_path: Path, kind: str) -> None:
    for n in range(4):
        photo(tmp_path / "imgs" / f"a{n}.jpg")
        write(tmp_path / "jsons" / f"a{n}.json", LABELME[kind](n))
    check_scenes(load_task(tmp_path), FOUR)


def test_one_broken_labelme_file_or_label_is_counted(tmp_path: Path) -> None:
    for n in range(5):
        photo(tmp_path / f"a{n}.jpg")
        write(tmp_path / f"a{n}.json", labelme(n))
    write(tmp_path / "a4.json", "{")
    task = load_task(tmp_path)
    check_scenes(task, FOUR)
    assert "1 of 9 entries left out" in task.format and "a4.json" in left_out(task)
    content = labelme(4)
    content["shapes"][0]["label"] = None
    write(tmp_path / "a4.json", content)
    assert sum(len(record.instances) for record in load_task(tmp_path).images) == 9


YOLO: dict[str, Callable[[str], str]] = {
    "tabs": lambda text: text.replace(" ", "\t"),
    "byte order mark": lambda text: "\ufeff" + text,
    "two spaces": lambda text: text.replace(" ", "  "),
    "class as float": lambda text: "\n".join(line.replace(" ", ".0 ", 1) for line in text.splitlines()),
    "comments": lambda text: "# leaf, stem\n" + text,
}


@pytest.mark.parametrize("kind", YOLO)
def test_yolo_lines(tmp_path: Path, kind: str) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"a{n}.jpg")
        write(tmp_path / "labels" / f"a{n}.txt", YOLO[kind](lines(n)))
    write(tmp_path / "data.yaml", "names: {'0': leaf, '1': stem}\n")
    check_scenes(load_task(tmp_path), FOUR)


def test_yolo_suffixes_in_capitals_and_folders_below(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "images" / "train" / f"site{n % 2}" / f"a{n}.JPG")
        write(tmp_path / "labels" / "train" / f"site{n % 2}" / f"a{n}.TXT", lines(n))
    write(tmp_path / "data.yaml", "train: images/train\nnames: [leaf, stem]\n")
    check_scenes(load_task(tmp_path), FOUR)


def every(**values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: [a.update(values) for a in data["annotations"]]


def text_points(data: dict[str, Any]) -> None:
    for a in data["annotations"]:
        a["segmentation"] = [[str(value) for value in a["segmentation"][0]]]


def names_as_ids(data: dict[str, Any]) -> None:
    for a in data["annotations"]:
        a["category_id"] = {1: "leaf", 2: "stem"}[a["category_id"]]


def file_names_as_ids(data: dict[str, Any]) -> None:
    for a in data["annotations"]:
        a["image_id"] = f"a{a['image_id'] - 1}.png"


def uuids(data: dict[str, Any]) -> None:
    for a in data["annotations"]:
        a["image_id"] = f"u{a['image_id']}"
    for i in data["images"]:
        i["id"] = f"u{i['id']}"


def twice(data: dict[str, Any]) -> None:
    data["annotations"] += [{**a, "id": a["id"] + 100} for a in data["annotations"]]


def closed(data: dict[str, Any]) -> None:
    for a in data["annotations"]:
        a["segmentation"] = [a["segmentation"][0] + a["segmentation"][0][:2]]


COCO: dict[str, tuple[Callable[[dict[str, Any]], Any], list[str]]] = {
    "iscrowd as text": (every(iscrowd="0"), []),
    "iscrowd false": (every(iscrowd=False), []),
    "area not a number": (every(area=float("nan")), []),
    "no box": (every(bbox=None), []),
    "coordinates as text": (text_points, ["repaired"]),
    "names of classes as ids": (names_as_ids, ["repaired"]),
    "names of files as ids": (file_names_as_ids, ["repaired"]),
    "ids of images as text": (uuids, []),
    "each annotation twice": (twice, ["repeated-instance"]),
    "closed polygons": (closed, []),
}


@pytest.mark.parametrize("kind", COCO)
def test_coco_files(tmp_path: Path, kind: str) -> None:
    names = {n: f"a{n}.png" for n in range(4)}
    photos(tmp_path / "images", names.values())
    content = coco(names)
    change, found = COCO[kind]
    change(content)
    write(tmp_path / "x.json", content)
    task = load_task(tmp_path)
    check_scenes(task, FOUR)
    assert task.classes == ("leaf", "stem") and codes(task) == found


def turned_labelme(root: Path) -> None:
    for n in range(4):
        photo(root / f"a{n}.jpg")
        content = labelme(n)
        for shape, points in zip(content["shapes"], TURNED, strict=True):
            shape["points"] = points
        write(root / f"a{n}.json", content)


def turned_via(root: Path) -> None:
    entries = {}
    for n in range(4):
        photo(root / f"a{n}.jpg")
        regions = []
        for points in TURNED:
            xs, ys = [x for x, _ in points], [y for _, y in points]
            shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
            regions.append({"shape_attributes": shape, "region_attributes": {"class": "ship"}})
        entries[f"a{n}.jpg1"] = {"filename": f"a{n}.jpg", "size": 1, "regions": regions}
    write(root / "via.json", entries)


def turned_cvat(root: Path) -> None:
    rows = ""
    for n in range(4):
        photo(root / "images" / f"a{n}.jpg")
        shapes = "".join(
            f'<polygon label="ship" points="{";".join(f"{x},{y}" for x, y in points)}" occluded="0"/>'
            for points in TURNED
        )
        rows += f'<image id="{n}" name="a{n}.jpg" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>'
    write(root / "annotations.xml", f"<annotations><version>1.1</version>{rows}</annotations>")


def turned_rolabelimg(root: Path) -> None:
    for n in range(4):
        photo(root / f"a{n}.jpg")
        box = "<robndbox><cx>20</cx><cy>15</cy><w>10</w><h>6</h><angle>0.5</angle></robndbox>"
        shape = f"<object><type>robndbox</type><name>ship</name>{box}</object>"
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
        write(root / f"a{n}.xml", f"<annotation><filename>a{n}.jpg</filename>{size}{shape}</annotation>")


@pytest.mark.parametrize("write_files", [turned_labelme, turned_via, turned_cvat, turned_rolabelimg])
def test_oriented_boxes_of_any_tool_are_boxes(tmp_path: Path, write_files: Callable[[Path], None]) -> None:
    write_files(tmp_path)
    with data_error("--boxes-as-masks"):
        load_task(tmp_path)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert RECTANGLES in task.format and len(task.images) == 4


def test_the_boxes_of_dota_are_named(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "images" / f"P{n}.png")
        text = "imagesource:GoogleEarth\ngsd:0.1\n10.0 12.0 16.0 18.0 12.0 22.0 6.0 16.0 ship 0\n"
        write(tmp_path / "labelTxt" / f"P{n}.txt", text)
    with data_error("DOTA", "not a mask"):
        load_task(tmp_path)


def test_a_label_map_for_each_class_holds_instances(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"a{n}.png")
        for name in ("leaf", "stem"):
            labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
            labels[mask_of(next(s for s in scene(n) if s[0] == name))] = 1
            labels[30:34, 2:6] = 2
            save(tmp_path / "masks" / name / f"a{n}.png", labels)
    task = load_task(tmp_path)
    areas = [sorted((i.label, i.area) for i in record.instances) for record in task.images]
    assert all([label for label, _ in rows] == ["leaf", "leaf", "stem", "stem"] for rows in areas)
    assert all(("leaf", 16) in rows and ("stem", 16) in rows for rows in areas)


def test_a_part_of_a_data_set_names_the_whole(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(4)}
    photos(tmp_path / "images", names.values())
    write(tmp_path / "annotations" / "instances_train.json", coco(names))
    with data_error("reads as coco", f"Pass {tmp_path}."):
        load_task(tmp_path / "images")
    for n in range(2):
        photo(tmp_path / "labelme" / f"a{n}.jpg")
        write(tmp_path / "labelme" / f"a{n}.json", labelme(n))
    with data_error("is no COCO file", "reads as labelme", "Pass the folder"):
        load_task(tmp_path / "labelme" / "a0.json")
    (tmp_path / "empty").mkdir()
    with data_error("is empty"):
        load_task(tmp_path / "empty")


def test_augmented_copies_stay_in_one_split(tmp_path: Path) -> None:
    for n in range(12):
        for code in ("0a1b2c3d4e", "5f6a7b8c9d"):
            stem = f"p{n}_jpg.rf.{code}"
            photo(tmp_path / "images" / f"{stem}.jpg")
            save(tmp_path / "masks" / f"{stem}.png", label_map(n % 5))
    task = load_task(tmp_path)
    split_of = {record.path.stem: split for split, records in task.splits.items() for record in records}
    assert all(split_of[f"p{n}_jpg.rf.0a1b2c3d4e"] == split_of[f"p{n}_jpg.rf.5f6a7b8c9d"] for n in range(12))
    assert all(task.splits.values())
