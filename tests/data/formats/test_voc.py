"""Pascal VOC: objects and classes from palette pictures, and splits from lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import load_task, read_voc
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, save, stems_of, write

OBJECTS = np.zeros((8, 12), dtype=np.uint8)
OBJECTS[1:4, 1:5], OBJECTS[4, 1:5], OBJECTS[5:7, 6:10] = 1, 255, 2
CLASSES = np.where(OBJECTS == 1, 15, np.where(OBJECTS == 2, 8, OBJECTS)).astype(np.uint8)


def palette_png(path: Path, labels: np.ndarray) -> Path:
    """Save palette indices with Pascal's colours, whose bits are spread over the three channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bits = np.arange(256)[:, None] >> np.arange(8)
    channels = [sum((bits[:, 3 * k + c] & 1) << (7 - k) for k in range(3) if 3 * k + c < 8) for c in range(3)]
    colours = np.stack(channels, axis=1).astype(np.uint8)
    image = Image.fromarray(labels)
    image.putpalette(colours.tobytes())
    image.save(path)
    return path


def add(root: Path, stem: str, objects: np.ndarray = OBJECTS, classes: np.ndarray = CLASSES) -> None:
    picture(root / "JPEGImages" / f"{stem}.jpg")
    palette_png(root / "SegmentationObject" / f"{stem}.png", objects)
    palette_png(root / "SegmentationClass" / f"{stem}.png", classes)


def list_split(root: Path, split: str, *stems: str) -> None:
    write(root / "ImageSets" / "Segmentation" / f"{split}.txt", "".join(f"{stem}\n" for stem in stems))


@pytest.fixture
def voc2012(tmp_path: Path) -> Path:
    """The layout of VOC 2012: three images with masks, one with boxes only."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for stem in ("2007_000032", "2007_000039", "2007_000063"):
        add(root, stem)
    picture(root / "JPEGImages" / "2008_000001.jpg")
    write(root / "Annotations" / "2008_000001.xml", "<annotation/>")
    list_split(root, "train", "2007_000032", "2007_000063")
    list_split(root, "val", "2007_000039")
    list_split(root, "trainval", "2007_000032", "2007_000039", "2007_000063")
    return root


def test_the_layout_of_2012_is_read(voc2012: Path, tmp_path: Path) -> None:
    task = load_task(tmp_path / "VOCdevkit")
    assert task.format == "Pascal VOC" and len(task.classes) == 20
    assert stems_of(task) == {"train": ["2007_000032", "2007_000063"], "val": ["2007_000039"]}
    (person, person_mask), (cat, cat_mask) = masks_of(task, "val")
    assert (person, cat) == ("person", "cat")
    assert (person_mask == (OBJECTS == 1)).all() and (cat_mask == (OBJECTS == 2)).all()
    check_round_trip(task, tmp_path / "out")
    assert load_task(voc2012).splits == task.splits


def test_without_object_pictures_each_class_is_an_instance(tmp_path: Path) -> None:
    for n in range(10):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg")
        palette_png(tmp_path / "SegmentationClass" / f"{n}.png", OBJECTS)
    write(tmp_path / "class_names.txt", "_background_\ncell\nwall\n")
    task = load_task(tmp_path)
    assert task.classes == ("cell", "wall") and all(task.splits.values())
    assert task.format == "Pascal VOC, split 70/10/20 by file name (seed 0), one instance per class and image"
    assert [(label, int(mask.sum())) for label, mask in masks_of(task)[:2]] == [("cell", 12), ("wall", 8)]


def test_class_names_come_from_a_labelmap(tmp_path: Path) -> None:
    add(tmp_path, "a", classes=OBJECTS)
    list_split(tmp_path, "train", "a")
    labelmap = tmp_path / "labelmap.txt"
    write(labelmap, "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:128,0,0::\nwall:1,2,3::\n")
    assert load_task(tmp_path).classes == ("cell", "wall")
    write(labelmap, "cell\nwall\n")
    with data_error("labelmap.txt has the names", "expected background first"):
        load_task(tmp_path)


@given(hnp.arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, 3, 255])))
def test_every_object_is_read(tmp_path_factory: pytest.TempPathFactory, objects: np.ndarray) -> None:
    root = tmp_path_factory.mktemp("voc")
    picture(root / "JPEGImages" / "a.jpg", 6, 5)
    palette_png(root / "SegmentationObject" / "a.png", objects)
    palette_png(root / "SegmentationClass" / "a.png", np.where(objects == 255, 255, objects * 2))
    list_split(root, "train", "a")
    masks = masks_of(read_voc(root))
    values = [value for value in np.unique(objects).tolist() if value not in (0, 255)]
    assert [label for label, _ in masks] == [{1: "bicycle", 2: "boat", 3: "bus"}[value] for value in values]
    assert all((mask == (objects == value)).all() for value, (_, mask) in zip(values, masks, strict=True))


def test_a_few_broken_pictures_and_objects_are_left_out(voc2012: Path) -> None:
    first = "2007_000032.png"
    add(voc2012, "2007_000032", classes=np.where(CLASSES == 8, 77, CLASSES).astype(np.uint8))
    assert f"{voc2012 / 'SegmentationClass' / first} has the class 77; expected 1 to 20" in left_out(load_task(voc2012))
    add(voc2012, "2007_000032", classes=np.where(CLASSES == 8, 0, CLASSES).astype(np.uint8))
    task = load_task(voc2012)
    assert f"{first}, object 2: it has no class in" in left_out(task) and len(masks_of(task)) == 3
    path = palette_png(voc2012 / "SegmentationObject" / first, OBJECTS[:4])
    task = load_task(voc2012)
    assert f"{path} has 12 x 4 pixels" in left_out(task) and len(task.images) == 2
    path.unlink()
    assert f"{first} does not exist" in left_out(load_task(voc2012))


def test_files_missing_from_a_list_are_left_out_unless_all_are(voc2012: Path) -> None:
    list_split(voc2012, "val", "2007_000039", "2007_1")
    assert f"{voc2012 / 'SegmentationClass' / '2007_1.png'}: the file of val is missing" in left_out(load_task(voc2012))
    add(voc2012, "2007_1")
    (voc2012 / "JPEGImages" / "2007_1.jpg").unlink()
    assert f"{voc2012 / 'JPEGImages' / '2007_1.jpg'}: the file" in left_out(load_task(voc2012))
    list_split(voc2012, "val", "2007_1", "2007_2")
    (voc2012 / "SegmentationClass" / "2007_1.png").unlink()
    with data_error("2 of 2 files of val", f"the first is {voc2012 / 'SegmentationClass' / '2007_1.png'}"):
        load_task(voc2012)


def test_lists_may_be_named_after_subsets_of_cvat(tmp_path: Path) -> None:
    for stem in "abc":
        add(tmp_path, stem)
    list_split(tmp_path, "Train", "a", "JPEGImages/b.jpg")
    list_split(tmp_path, "Validation", "c")
    assert stems_of(load_task(tmp_path)) == {"train": ["a", "b"], "val": ["c"]}


def test_colours_of_a_labelmap_decide_whatever_its_order(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [250, 50, 83], [51, 221, 255]], dtype=np.uint8)
    for stem in "abc":
        picture(tmp_path / "JPEGImages" / f"{stem}.jpg")
        save(tmp_path / "SegmentationClass" / f"{stem}.png", colours[OBJECTS % 255])
        save(tmp_path / "SegmentationObject" / f"{stem}.png", colours[OBJECTS % 255][..., ::-1])
    write(tmp_path / "labelmap.txt", "wall:51,221,255::\nbackground:0,0,0::\ncell:250,50,83::\n")
    task = load_task(tmp_path)
    assert task.classes == ("wall", "cell")
    assert {label: int(mask.sum()) for label, mask in masks_of(task)} == {"cell": 12, "wall": 8}
    write(tmp_path / "labelmap.txt", "background:0,0,0::\ncell:250,50,83::\n")
    with data_error("has the colour 51,221,255, which", "250,50,83 cell"):
        load_task(tmp_path)


@pytest.mark.parametrize("text", ["background:0,0,0::\n", "# a comment\n", "", "background\nbackground\n"])
def test_a_labelmap_without_classes_is_an_error(voc2012: Path, text: str) -> None:
    write(voc2012 / "labelmap.txt", text)
    with data_error("labelmap.txt", "expected"):
        load_task(voc2012)


def test_missing_folders_are_errors(voc2012: Path) -> None:
    with data_error("holds no folder JPEGImages"):
        read_voc(voc2012 / "ImageSets")
    (voc2012 / "SegmentationClass").rename(voc2012 / "x")
    with data_error("SegmentationObject/ without SegmentationClass/"):
        read_voc(voc2012)


@pytest.mark.parametrize("name", ["labelmap.txt", "class_names.txt"])
def test_a_table_with_background_only_is_an_error_that_names_the_file(name: str, tmp_path: Path) -> None:
    add(tmp_path, "0")
    write(tmp_path / name, "background:0,0,0::\n" if name == "labelmap.txt" else "_background_\n")
    with data_error(tmp_path / name, "names background only", "expected one class or more"):
        load_task(tmp_path)
