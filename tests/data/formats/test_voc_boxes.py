"""Boxes of Pascal VOC: read as masks only if allowed, and every error names the xml file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samtailor.data import RECTANGLES, load_task, read_voc
from tests.data.helpers import check_round_trip, data_error, masks_of, picture, write

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


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Five images with boxes."""
    for n in range(5):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg")
        write(tmp_path / "Annotations" / f"{n}.xml", XML)
    write(tmp_path / "ImageSets" / "Main" / "train.txt", "0\n1\n2\n")
    write(tmp_path / "ImageSets" / "Main" / "val.txt", "3\n4\n")
    return tmp_path


def test_boxes_without_masks_are_an_error(boxes: Path) -> None:
    with data_error("has boxes in Annotations/", "--boxes-as-masks"):
        load_task(boxes)


def test_boxes_are_filled_if_allowed(boxes: Path, tmp_path: Path) -> None:
    task = load_task(boxes, boxes_as_masks=True)
    assert task.format == f"Pascal VOC, {RECTANGLES}" and task.classes == ("aeroplane", "person")
    plane, person = (mask for _, mask in masks_of(task)[:2])
    expected = np.zeros((8, 12), dtype=bool)
    expected[0:3, 1:5] = True  # Pascal counts from 1 and includes the last pixel
    assert (plane == expected).all()
    assert person[1:, 7:].all() and person.sum() in (35, 42)
    check_round_trip(task, tmp_path / "out")


FAULTS = {
    "is not valid XML": "<annotation>",
    "starts with <html>; expected <annotation>": "<html/>",
    "DTDForbidden": '<!DOCTYPE a [<!ENTITY x "y">]>' + XML,
    "states 13 x 8 pixels": XML.replace("<width>12", "<width>13"),
    "object 1 has no name": XML.replace("<name>aeroplane</name>", ""),
    "object 1 (aeroplane) has ['two', '1', '5', '3']; expected numbers": XML.replace("<xmin>2<", "<xmin>two<"),
    "a box from (9, 1) to (5, 3)": XML.replace("<xmin>2<", "<xmin>9<"),
    "object 1 (aeroplane) cannot be used": XML.replace("<xmin>2<", "<xmin>nan<"),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_errors_name_the_file_and_the_cause(tmp_path: Path, cause: str) -> None:
    picture(tmp_path / "JPEGImages" / "a.jpg")
    path = write(tmp_path / "Annotations" / "a.xml", FAULTS[cause])
    with data_error(path, cause):
        read_voc(tmp_path, boxes_as_masks=True)
