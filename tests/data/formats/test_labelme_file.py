"""One file of LabelMe: its image is found, its shapes become masks, and every error names the file."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.data import read_labelme
from tests.data.formats.labelme_content import add, png, shape
from tests.data.helpers import data_error, picture, write

POINTS = st.lists(st.tuples(st.floats(-3, 15), st.floats(-3, 11)), min_size=3, max_size=8)


@given(POINTS, st.integers(0, 11), st.integers(0, 7))
def test_masks_are_inside_the_bounds_of_their_points(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], x: int, y: int
) -> None:
    folder = tmp_path_factory.mktemp("polygons")
    box = [[x, y], [x + 1, y + 1]]
    add(folder, "a", shape(points=[list(point) for point in points]), shape("dot", "rectangle", box))
    polygon, dot = read_labelme(folder).splits["train"][0].instances
    mask = polygon.mask()
    rows, columns = np.nonzero(mask)
    assert mask.sum() == polygon.area
    if rows.size:
        xs, ys = zip(*points, strict=True)
        assert columns.min() >= min(xs) - 1 and columns.max() <= max(xs) + 1
        assert rows.min() >= min(ys) - 1 and rows.max() <= max(ys) + 1
    assert dot.mask()[y, x] and dot.area == 1


def test_the_image_path_is_relative_to_the_json_file(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "b.jpg")
    add(tmp_path / "labels", "b", shape(), imagePath="..\\images\\b.jpg")
    assert read_labelme(tmp_path / "labels").splits["train"][0].path.parts[-2:] == ("images", "b.jpg")


def test_an_image_beside_the_json_file_is_found_by_its_name(tmp_path: Path) -> None:
    add(tmp_path, "c", shape(), imagePath="C:\\Users\\me\\c.jpg", imageWidth=None, imageHeight=None)
    assert read_labelme(tmp_path).splits["train"][0].path.name == "c.jpg"


FAULTS = {
    "it has 2 points; expected 3": shape(points=[[1, 1], [2, 2]]),
    "the coordinate nan": shape(points=[[1, 1], [2, math.nan], [3, 3]]),
    "not a list of pairs": shape(points=[1, 2, 3]),
    "its class is ''": shape(""),
    "its shape type is unknown": shape(kind="spline"),
    "its box has no area": shape(kind="rectangle", points=[[1, 1], [1, 5]]),
    "expected finite numbers": shape(kind="circle", points=[[1, 1], [math.inf, 5]]),
    "expected a PNG": shape(kind="mask", points=[[1, 1], [2, 2]]),
    "its mask is not a PNG": shape(kind="mask", points=[[1, 1], [2, 2]], mask="aGVsbG8="),
    "3 x 2 pixels (width x height), but its box": shape(
        kind="mask", points=[[0, 0], [9, 9]], mask=png(np.ones((2, 3), dtype=bool))
    ),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_errors_name_the_file_and_the_shape(tmp_path: Path, cause: str) -> None:
    path = add(tmp_path, "a", shape(), *[FAULTS[cause]] * 4)
    with data_error(path, "shape number 1", "shape number 4", cause):
        read_labelme(tmp_path)


def test_an_image_of_another_size_is_an_error(tmp_path: Path) -> None:
    path = add(tmp_path, "a", shape(), imageWidth=13)
    with data_error(f"{path}: it states 13 x 8 pixels", "a.jpg has 12 x 8"):
        read_labelme(tmp_path)


@pytest.mark.parametrize(
    ("image_data", "cause"),
    [("aGVsbG8=", "the copy inside the json (imageData) is not a picture"), (None, "its image a.jpg is missing")],
)
def test_a_missing_image_is_an_error(tmp_path: Path, image_data: str | None, cause: str) -> None:
    path = add(tmp_path, "a", shape(), imageData=image_data)
    path.with_suffix(".jpg").unlink()
    with data_error(path, cause):
        read_labelme(tmp_path)


def test_two_files_of_one_image_are_an_error(tmp_path: Path) -> None:
    first = add(tmp_path, "a", shape(), imagePath="b.jpg")
    second = add(tmp_path, "b", shape())
    add(tmp_path, "c", shape())
    findings = read_labelme(tmp_path).findings
    assert f"{second}: its image {tmp_path / 'b.jpg'} is also the image of {first}" in findings[0].what


def test_shapes_must_be_a_list(tmp_path: Path) -> None:
    write(add(tmp_path, "a"), {"imagePath": "a.jpg", "shapes": {}})
    with data_error("'shapes' is a dict; expected a list"):
        read_labelme(tmp_path)


def test_an_image_outside_the_task_is_noted(tmp_path: Path) -> None:
    picture(tmp_path / "elsewhere" / "a.jpg")
    add(tmp_path / "task", "a", shape(), imagePath="../elsewhere/a.jpg")
    picture(tmp_path / "task" / "b.jpg").unlink()
    task = read_labelme(tmp_path / "task")
    assert [(f.severity, f.code) for f in task.findings] == [("warning", "outside-task")]


def test_labels_may_be_numbers_and_sizes_may_be_floats(tmp_path: Path) -> None:
    add(tmp_path, "a", shape(7), shape(0), imageWidth=12.0, imageHeight=8.0)
    assert read_labelme(tmp_path).classes == ("0", "7")


def test_an_image_is_found_by_name_in_another_folder_and_with_another_suffix(tmp_path: Path) -> None:
    path = add(tmp_path / "labels", "a", shape(), imagePath="a.bmp")
    (tmp_path / "pictures").mkdir()
    path.with_suffix(".jpg").rename(tmp_path / "pictures" / "A.JPG")
    task = read_labelme(tmp_path)
    assert task.images[0].path.name == "A.JPG" and [f.code for f in task.findings] == ["repaired-path"]
    picture(tmp_path / "more" / "a.jpg")
    with data_error("its image a.bmp may be one of 2 files"):
        read_labelme(tmp_path)


def test_images_that_only_the_json_holds_are_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path / "cache"))
    path = add(tmp_path / "task", "a", shape())
    content = path.with_suffix(".jpg").read_bytes()
    add(tmp_path / "task", "a", shape(), imageData=base64.b64encode(content).decode())
    path.with_suffix(".jpg").unlink()
    task = read_labelme(tmp_path / "task")
    assert task.images[0].path.read_bytes() == content and task.images[0].path.is_relative_to(tmp_path / "cache")
    assert [f.code for f in task.findings] == ["embedded-image"]


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        *(("gbk", "叶子"), ("gbk", "细胞"), ("cp949", "세포기"), ("shift_jis", "セル"), ("shift_jis", "細胞核")),
        *(("big5", "葉子"), ("cp1252", "Blätter"), ("cp1252", "Größe"), ("cp1251", "лист"), ("utf-16", "Blatt")),
    ],
)
def test_older_encodings_are_recognised(tmp_path: Path, encoding: str, label: str) -> None:
    for stem in "ab":
        path = add(tmp_path, stem, shape(label))
        path.write_bytes(json.dumps(json.loads(path.read_text()), ensure_ascii=False).encode(encoding))
    task = read_labelme(tmp_path)
    assert task.classes == (label,)
    assert [(f.code, f.count) for f in task.findings] == [("encoding", 2)]


def test_oriented_rectangles_and_rotated_boxes(tmp_path: Path) -> None:
    turned = [[4, 1], [7, 4], [5, 6], [2, 3]]
    add(tmp_path, "a", shape(), shape("tag", "oriented_rectangle", turned))
    assert [i.label for i in read_labelme(tmp_path).images[0].instances] == ["cell", "tag"]
    add(tmp_path, "a", shape(), shape("tag", "rotation", turned, direction=0.785))
    task = read_labelme(tmp_path)
    assert [i.label for i in task.images[0].instances] == ["cell"]
    assert "1 rotated box left out" in task.format and task.findings[0].code == "boxes-left-out"
    assert len(read_labelme(tmp_path, boxes_as_masks=True).images[0].instances) == 2
    for kind in ("oriented_rectangle", "rotation"):
        add(tmp_path, "a", shape("tag", kind, turned))
        with data_error("are rectangles", "--boxes-as-masks"):
            read_labelme(tmp_path)


def test_the_same_shape_twice_is_one_instance(tmp_path: Path) -> None:
    add(tmp_path, "a", shape(), shape(), shape("wall"))
    task = read_labelme(tmp_path)
    assert [i.label for i in task.images[0].instances] == ["cell", "wall"]
    assert [(f.code, f.count) for f in task.findings] == [("repeated-instance", 1)]
