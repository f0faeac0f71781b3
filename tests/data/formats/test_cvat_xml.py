"""CVAT's xml: polygons, brush masks and ellipses of images and of the frames of a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samtailor.data import RECTANGLES, load_task
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, stems_of, write

POLYGON = '<polygon label="cell" points="2.00,1.00;7.00,1.00;7.00,4.00;2.00,4.00" z_order="0"></polygon>'
MASK = '<mask label="wall" rle="1, 2, 1, 2" left="8" top="5" width="3" height="2"/>'
BOX = '<box label="tag" xtl="2" ytl="1" xbr="7" ybr="4"/>'


def image(root: Path, name: str, *shapes: str, more: str = "") -> str:
    picture(root / "images" / name)
    return f'<image id="0" name="{name}" width="12" height="8" {more}>{"".join(shapes)}</image>'


def annotations(root: Path, *images: str) -> Path:
    labels = "".join(f"<label><name>{name}</name></label>" for name in ("wall", "cell"))
    meta = f"<version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    return write(root / "annotations.xml", f"<annotations>{meta}{''.join(images)}</annotations>")


def test_polygons_and_masks_are_read(tmp_path: Path) -> None:
    root = tmp_path / "t"
    annotations(root, *(image(root, f"{n}.jpg", POLYGON, MASK, "<tag label='x'/>") for n in range(3)))
    task = load_task(root)
    (cell, square), (wall, brush) = masks_of(task)
    assert (cell, wall, task.classes) == ("cell", "wall", ("wall", "cell"))
    expected = np.zeros((8, 12), dtype=bool)
    expected[1:4, 2:7] = True
    assert (square == expected).all()
    assert brush[5:7, 8:11].tolist() == [[False, True, True], [False, True, True]] and brush.sum() == 4
    assert task.format == "CVAT xml, split 70/10/20 by file name (seed 0)" and not task.findings
    check_round_trip(task, tmp_path / "out")
    assert load_task(root / "annotations.xml").splits == task.splits


def test_subsets_and_folders_are_splits(tmp_path: Path) -> None:
    images = [image(tmp_path, f"{n}.jpg", POLYGON, more=f'subset="{s}"') for n, s in enumerate(["Train", "Validation"])]
    annotations(tmp_path, *images)
    assert stems_of(load_task(tmp_path)) == {"train": ["0"], "val": ["1"]}
    annotations(tmp_path, image(tmp_path, "train/a.jpg", POLYGON), image(tmp_path, "Test/b.jpg", POLYGON))
    assert stems_of(load_task(tmp_path)) == {"train": ["a"], "test": ["b"]}


def test_grouped_shapes_are_one_instance_and_ellipses_are_discs(tmp_path: Path) -> None:
    far = '<polygon label="cell" points="9,5;11,5;11,7;9,7" group_id="3"/>'
    disc = '<ellipse label="disc" cx="6" cy="4" rx="2" ry="2"/>'
    annotations(tmp_path, image(tmp_path, "a.jpg", POLYGON.replace("z_order", 'group_id="3" z_order'), far, disc))
    assert [(label, int(mask.sum())) for label, mask in masks_of(load_task(tmp_path))] == [("cell", 19), ("disc", 12)]


def test_boxes_among_masks_are_left_out_and_boxes_alone_are_an_error(tmp_path: Path) -> None:
    line = '<polyline label="cell" points="1,1;2,2"/>'
    annotations(tmp_path, image(tmp_path, "a.jpg", POLYGON, BOX, BOX.replace('ybr="4"', 'ybr="5"'), line))
    task = load_task(tmp_path)
    assert {(f.code, f.count) for f in task.findings} == {("boxes-left-out", 2), ("shapes-left-out", 1)}
    assert len(masks_of(task)) == 1
    filled = load_task(tmp_path, boxes_as_masks=True)
    assert f"2 of 3 instances are {RECTANGLES}" in filled.format and masks_of(filled)[1][1].sum() == 15
    annotations(tmp_path, image(tmp_path, "a.jpg", BOX))
    with data_error("All 1 shapes", "are boxes", "--boxes-as-masks"):
        load_task(tmp_path)


def test_a_turned_box_is_a_box(tmp_path: Path) -> None:
    turned = '<box label="tag" xtl="3" ytl="2" xbr="9" ybr="6" rotation="90"/>'
    annotations(tmp_path, image(tmp_path, "a.jpg", turned))
    ((_, mask),) = masks_of(load_task(tmp_path, boxes_as_masks=True))
    expected = np.zeros((8, 12), dtype=bool)
    expected[1:7, 4:8] = True
    assert (mask == expected).all()


def test_frames_of_a_video_are_read(tmp_path: Path) -> None:
    shapes = "".join(POLYGON.replace("z_order", f'frame="{n}" outside="{n // 2}" z_order') for n in range(3))
    write(tmp_path / "annotations.xml", f'<annotations><track id="0" label="cell">{shapes}</track></annotations>')
    for n in range(3):
        picture(tmp_path / "images" / f"frame_{n:06}.PNG")
    task = load_task(tmp_path)
    assert sorted(record.path.stem for record in task.images) == ["frame_000000", "frame_000001"]


def test_a_few_broken_shapes_and_images_are_left_out(tmp_path: Path) -> None:
    short = POLYGON.replace("7.00,1.00;7.00,4.00;", "")
    whole = POLYGON.replace("7.00,1.00;", "")  # a triangle
    missing = '<image name="lost.jpg" width="12" height="8"/>'
    annotations(tmp_path, *(image(tmp_path, f"{n}.jpg", whole) for n in range(5)), image(tmp_path, "b.jpg", short))
    assert "image b.jpg, shape 1 (polygon): it has 2 points" in left_out(load_task(tmp_path))
    annotations(tmp_path, *(image(tmp_path, f"{n}.jpg", whole) for n in range(5)), missing)
    assert "image lost.jpg: its image lost.jpg is missing" in left_out(load_task(tmp_path))


FAULTS = {
    "it has 2 points": POLYGON.replace("7.00,1.00;7.00,4.00;", ""),
    "expected numbers": POLYGON.replace("7.00,1.00", "seven,1.00"),
    "its runs cover 7 pixels": MASK.replace("1, 2, 1, 2", "1, 2, 1, 3"),
    "its mask has 3000000 x 2 pixels": MASK.replace('width="3"', 'width="3000000"'),
    "expected radii above 0": '<ellipse label="disc" cx="6" cy="4" rx="0" ry="2"/>',
    "its class is": POLYGON.replace("cell", ""),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_many_broken_shapes_are_listed(tmp_path: Path, cause: str) -> None:
    path = annotations(tmp_path, image(tmp_path, "a.jpg", *[FAULTS[cause]] * 4))
    with data_error(f"{path}, image a.jpg, shape 4", cause, "skip_broken=True"):
        load_task(tmp_path)


def test_entities_and_other_xml_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.xml", '<!DOCTYPE a [<!ENTITY x "y">]><annotations>&x;</annotations>')
    with data_error("a.xml is not valid XML"):
        load_task(tmp_path)
    with data_error("has no image and no frame"):
        load_task(annotations(tmp_path / "empty"))
