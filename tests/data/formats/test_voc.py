"""Pascal VOC: objects and classes from palette pictures, boxes from xml, and faults with their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import RECTANGLES, load_task, read_voc
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip, masks_of, picture, write

OBJECTS = np.zeros((8, 12), dtype=np.uint8)
OBJECTS[1:4, 1:5], OBJECTS[4, 1:5], OBJECTS[5:7, 6:10] = 1, 255, 2
CLASSES = np.where(OBJECTS == 1, 15, np.where(OBJECTS == 2, 8, OBJECTS)).astype(np.uint8)

XML = """\
<annotation>
	<folder>VOC2012</folder>
	<filename>2007_000032.jpg</filename>
	<source><database>The VOC2007 Database</database><image>flickr</image></source>
	<size><width>12</width><height>8</height><depth>3</depth></size>
	<segmented>1</segmented>
	<object>
		<name>aeroplane</name>
		<pose>Frontal</pose>
		<truncated>0</truncated>
		<difficult>0</difficult>
		<bndbox><xmin>2</xmin><ymin>1</ymin><xmax>5</xmax><ymax>3</ymax></bndbox>
	</object>
	<object>
		<name>person</name>
		<bndbox><xmin>7.5</xmin><ymin>2</ymin><xmax>12</xmax><ymax>8</ymax></bndbox>
		<part><name>head</name><bndbox><xmin>8</xmin><ymin>2</ymin><xmax>9</xmax><ymax>3</ymax></bndbox></part>
	</object>
</annotation>
"""


def palette_png(path: Path, labels: np.ndarray) -> Path:
    """Palette indices with Pascal's colours, whose bits are spread over the three channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bits = np.arange(256)[:, None] >> np.arange(8)
    channels = [sum((bits[:, 3 * k + c] & 1) << (7 - k) for k in range(3) if 3 * k + c < 8) for c in range(3)]
    colours = np.stack(channels, axis=1).astype(np.uint8)
    image = Image.fromarray(labels)
    image.putpalette(colours.tobytes())
    image.save(path)
    return path


def add(root: Path, stem: str, objects: np.ndarray = OBJECTS, classes: np.ndarray = CLASSES) -> None:
    picture(root / "JPEGImages" / f"{stem}.jpg", 12, 8)
    palette_png(root / "SegmentationObject" / f"{stem}.png", objects)
    palette_png(root / "SegmentationClass" / f"{stem}.png", classes)


def voc2012(root: Path) -> Path:
    for stem in ("2007_000032", "2007_000039", "2007_000063"):
        add(root, stem)
    picture(root / "JPEGImages" / "2008_000001.jpg", 12, 8)  # boxes only
    write(root / "Annotations" / "2008_000001.xml", XML)
    lists = root / "ImageSets" / "Segmentation"
    write(lists / "train.txt", "2007_000032\n2007_000063\n")
    write(lists / "val.txt", "2007_000039\n")
    write(lists / "trainval.txt", "2007_000032\n2007_000039\n2007_000063\n")
    return root


def test_the_layout_of_2012(tmp_path: Path) -> None:
    voc2012(tmp_path / "VOCdevkit" / "VOC2012")
    task = load_task(tmp_path / "VOCdevkit")
    assert task.format == "Pascal VOC" and len(task.classes) == 20
    assert {split: [r.path.stem for r in records] for split, records in task.splits.items()} == {
        "train": ["2007_000032", "2007_000063"],
        "val": ["2007_000039"],
    }
    found = masks_of(task, "val")
    assert [label for label, _ in found] == ["person", "cat"]
    assert (found[0][1] == (OBJECTS == 1)).all() and (found[1][1] == (OBJECTS == 2)).all()
    check_round_trip(task, tmp_path / "out")
    assert load_task(tmp_path / "VOCdevkit" / "VOC2012").splits == task.splits


def test_own_classes_and_no_object_pictures(tmp_path: Path) -> None:
    for n in range(10):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg", 12, 8)
        palette_png(tmp_path / "SegmentationClass" / f"{n}.png", OBJECTS)
    write(tmp_path / "class_names.txt", "_background_\ncell\nwall\n")
    task = load_task(tmp_path)
    assert task.classes == ("cell", "wall") and all(task.splits.values())
    assert "split 70/10/20" in task.format and "one instance per class and image" in task.format
    assert [(label, int(mask.sum())) for label, mask in masks_of(task)[:2]] == [("cell", 12), ("wall", 8)]
    (tmp_path / "class_names.txt").unlink()
    write(
        tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:128,0,0::\nwall:1,2,3::\n"
    )
    assert load_task(tmp_path).classes == ("cell", "wall")
    write(tmp_path / "labelmap.txt", "cell\nwall\n")
    with pytest.raises(DataError, match=r"labelmap\.txt .*expected background first"):
        load_task(tmp_path)


@given(hnp.arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, 3, 255])))
def test_every_object_comes_back(tmp_path_factory: pytest.TempPathFactory, objects: np.ndarray) -> None:
    root = tmp_path_factory.mktemp("voc")
    picture(root / "JPEGImages" / "a.jpg", 6, 5)
    palette_png(root / "SegmentationObject" / "a.png", objects)
    palette_png(root / "SegmentationClass" / "a.png", np.where(objects == 255, 255, objects * 2))
    write(root / "ImageSets" / "Segmentation" / "train.txt", "a\n")
    found = masks_of(read_voc(root))
    values = [value for value in np.unique(objects).tolist() if value not in (0, 255)]
    assert [label for label, _ in found] == [{1: "bicycle", 2: "boat", 3: "bus"}[value] for value in values]
    assert all((mask == (objects == value)).all() for value, (_, mask) in zip(values, found, strict=True))


def test_boxes_are_no_masks_unless_asked_for(tmp_path: Path) -> None:
    for n in range(5):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg", 12, 8)
        write(tmp_path / "Annotations" / f"{n}.xml", XML)
    with pytest.raises(DataError, match=r"has boxes in Annotations.*--boxes-as-masks"):
        load_task(tmp_path)
    write(tmp_path / "ImageSets" / "Main" / "train.txt", "0\n1\n2\n")
    write(tmp_path / "ImageSets" / "Main" / "val.txt", "3\n4\n")
    task = load_task(tmp_path, boxes_as_masks=True)
    assert task.format == f"Pascal VOC, {RECTANGLES}" and task.classes == ("aeroplane", "person")
    plane, person = (mask for _, mask in masks_of(task)[:2])
    expected = np.zeros((8, 12), dtype=bool)
    expected[0:3, 1:5] = True  # Pascal counts from 1 and includes the last pixel
    assert (plane == expected).all()
    assert person[1:, 7:].all() and person.sum() in (35, 42)
    check_round_trip(task, tmp_path / "out")


XMLS = {
    "is not XML": "<annotation>",
    "holds <html>": "<html/>",
    "DTDForbidden": '<!DOCTYPE a [<!ENTITY x "y">]>' + XML,
    "has 13 x 8 pixels": XML.replace("<width>12", "<width>13"),
    "object 1 has no name": XML.replace("<name>aeroplane</name>", ""),
    "object 1 (aeroplane) has the numbers": XML.replace("<xmin>2<", "<xmin>two<"),
    "a box from (9, 1) to (5, 3)": XML.replace("<xmin>2<", "<xmin>9<"),
    "object 1 (aeroplane) cannot be used": XML.replace("<xmin>2<", "<xmin>nan<"),
}


@pytest.mark.parametrize("cause", XMLS)
def test_bad_xml_is_named(tmp_path: Path, cause: str) -> None:
    picture(tmp_path / "JPEGImages" / "a.jpg", 12, 8)
    path = write(tmp_path / "Annotations" / "a.xml", XMLS[cause])
    with pytest.raises(DataError) as caught:
        read_voc(tmp_path, boxes_as_masks=True)
    assert cause in str(caught.value) and str(path) in str(caught.value)


def test_bad_pictures_and_lists_are_named(tmp_path: Path) -> None:
    root = voc2012(tmp_path)
    add(root, "2007_000032", classes=np.where(CLASSES == 8, 77, CLASSES).astype(np.uint8))
    with pytest.raises(DataError, match=r"SegmentationClass.2007_000032\.png has the class 77"):
        load_task(root)
    add(root, "2007_000032", classes=np.where(CLASSES == 8, 0, CLASSES).astype(np.uint8))
    with pytest.raises(DataError, match=r"Object 2 of .*2007_000032\.png has no class"):
        load_task(root)
    add(root, "2007_000032", objects=OBJECTS[:4])
    with pytest.raises(DataError, match=r"SegmentationObject.2007_000032\.png has 12 x 4 .* 12 x 8"):
        load_task(root)
    (root / "SegmentationObject" / "2007_000032.png").unlink()
    with pytest.raises(DataError, match=r"2007_000032\.png does not exist"):
        load_task(root)
    write(root / "ImageSets" / "Segmentation" / "val.txt", "2007_000039\n2007_1\n")
    with pytest.raises(DataError, match=r"1 of 2 files of val .*the first is .*SegmentationClass.2007_1\.png"):
        load_task(root)
    add(root, "2007_1")
    (root / "JPEGImages" / "2007_1.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 2 files of val .*the first is .*JPEGImages.2007_1\.jpg"):
        load_task(root)
    with pytest.raises(DataError, match=r"No folder JPEGImages"):
        read_voc(tmp_path / "ImageSets")
