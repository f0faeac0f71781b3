"""LabelMe: shapes become masks as LabelMe itself fills them, and each fault is named with its file."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data import RECTANGLES, load_task, read_labelme
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip, masks_of, picture, write

SQUARE = [[2.0, 1.0], [7.0, 1.0], [7.0, 4.0], [2.0, 4.0]]


def shape(label: str = "cell", kind: str = "polygon", points: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "label": label,
        "points": SQUARE if points is None else points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
        **more,
    }


def png(mask: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def add(root: Path, stem: str, *shapes: dict[str, Any], **more: Any) -> Path:
    """A json as LabelMe 5 writes it, beside its picture of 12 x 8."""
    image = picture(root / f"{stem}.jpg")
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": image.name,
        "imageData": None,
        "imageHeight": 8,
        "imageWidth": 12,
        **more,
    }
    return write(root / f"{stem}.json", content)


def test_every_kind_of_shape(tmp_path: Path) -> None:
    cut = np.array([[True, False, True], [True, True, True]])
    add(
        tmp_path / "train",
        "a",
        shape(),
        shape("wall", "rectangle", [[9, 6], [1, 2]]),
        shape("disc", "circle", [[6.0, 4.0], [6.0, 6.0]]),
        shape("stamp", "mask", [[8.0, 5.0], [10.0, 6.0]], mask=png(cut)),
        shape("nose", "point", [[3, 3]]),
        shape("edge", "linestrip", [[0, 0], [4, 4], [8, 0]]),
        shape("_background_"),
    )
    task = load_task(tmp_path)
    found = dict(masks_of(task))
    expected = {name: np.zeros((8, 12), dtype=bool) for name in ("cell", "wall", "stamp")}
    expected["cell"][1:4, 2:7] = True
    expected["wall"][2:6, 1:9] = True
    expected["stamp"][5:7, 8:11] = cut
    assert task.classes == ("cell", "disc", "stamp", "wall")
    assert all((found[name] == mask).all() for name, mask in expected.items())
    assert found["disc"].sum() == 12 and found["disc"][2:6, 4:8].sum() == 12  # pixel centres within two pixels
    assert "2 points and lines left out" in task.format
    assert f"1 of 4 instances are {RECTANGLES}" in task.format
    check_round_trip(task, tmp_path / "out")


def test_group_ids_join_shapes_of_a_label(tmp_path: Path) -> None:
    far = [[9.0, 5.0], [11.0, 5.0], [11.0, 7.0], [9.0, 7.0]]
    shapes = [shape(group_id=1), shape(points=far, group_id=1), shape("wall", points=far, group_id=1), shape()]
    add(tmp_path / "train", "a", *shapes)
    found = masks_of(load_task(tmp_path))
    assert [(label, int(mask.sum())) for label, mask in found] == [("cell", 19), ("wall", 4), ("cell", 15)]


def test_without_split_folders_the_names_decide(tmp_path: Path) -> None:
    for n in range(20):
        add(tmp_path / "cells" / f"slide{n % 4}", f"{n}", shape())
    write(tmp_path / "cells" / "notes.json", {"by": "me"})
    task = load_task(tmp_path / "cells")
    assert "split 70/10/20" in task.format
    assert sum(len(records) for records in task.splits.values()) == 20 and all(task.splits.values())
    check_round_trip(task, tmp_path / "out")


def test_images_are_found_where_labelme_looks(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "b.jpg")
    add(tmp_path / "labels", "b", shape(), imagePath="..\\images\\b.jpg")
    assert read_labelme(tmp_path / "labels").splits["train"][0].path.parts[-2:] == ("images", "b.jpg")
    add(tmp_path / "old", "c", shape(), imagePath="C:\\Users\\me\\c.jpg", imageWidth=None, imageHeight=None)
    assert read_labelme(tmp_path / "old").splits["train"][0].path.name == "c.jpg"


def test_rectangles_alone_are_no_masks(tmp_path: Path) -> None:
    add(tmp_path / "train", "a", shape("car", "rectangle", [[1, 1], [4, 3]]))
    with pytest.raises(DataError, match=r"are rectangles.*--boxes-as-masks"):
        load_task(tmp_path)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert task.format.endswith(RECTANGLES) and masks_of(task)[0][1].sum() == 6


@given(
    st.lists(st.tuples(st.floats(-3, 15), st.floats(-3, 11)), min_size=3, max_size=8),
    st.integers(0, 11),
    st.integers(0, 7),
)
def test_polygons_lie_within_their_bounds(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], x: int, y: int
) -> None:
    folder = tmp_path_factory.mktemp("polygons")
    box = [[x, y], [x + 1, y + 1]]
    add(folder, "a", shape(points=[list(point) for point in points]), shape("dot", "rectangle", box))
    (record,) = read_labelme(folder).splits["train"]
    mask = record.instances[0].mask()
    rows, columns = np.nonzero(mask)
    assert mask.sum() == record.instances[0].area
    if rows.size:
        xs, ys = zip(*points, strict=True)
        assert columns.min() >= min(xs) - 1 and columns.max() <= max(xs) + 1
        assert rows.min() >= min(ys) - 1 and rows.max() <= max(ys) + 1
    assert record.instances[1].mask()[y, x] and record.instances[1].area == 1


FAULTS = {
    "it has 2 points; expected 3": shape(points=[[1, 1], [2, 2]]),
    "coordinate nan": shape(points=[[1, 1], [2, math.nan], [3, 3]]),
    "no list of pairs": shape(points=[1, 2, 3]),
    "the label ''": shape(""),
    "shape type is not known": shape(kind="spline"),
    "its box has no inside": shape(kind="rectangle", points=[[1, 1], [1, 5]]),
    "expected finite numbers": shape(kind="circle", points=[[1, 1], [math.inf, 5]]),
    "expected a PNG": shape(kind="mask", points=[[1, 1], [2, 2]]),
    "its mask is no PNG": shape(kind="mask", points=[[1, 1], [2, 2]], mask="aGVsbG8="),
    "3 x 2 pixels (width x height), but its box": shape(
        kind="mask", points=[[0, 0], [9, 9]], mask=png(np.ones((2, 3), dtype=bool))
    ),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_bad_shapes_are_named(tmp_path: Path, cause: str) -> None:
    path = add(tmp_path, "a", shape(), FAULTS[cause])
    with pytest.raises(DataError) as caught:
        read_labelme(tmp_path)
    assert cause in str(caught.value) and str(path) in str(caught.value) and "shape number 1" in str(caught.value)


def test_bad_files_are_named(tmp_path: Path) -> None:
    path = add(tmp_path, "a", shape(), imageWidth=13)
    with pytest.raises(DataError, match=r"a\.json: it says that the image has 13 x 8 .* has 12 x 8"):
        read_labelme(tmp_path)
    add(tmp_path, "a", shape(), imageData="aGVsbG8=")
    path.with_suffix(".jpg").unlink()
    with pytest.raises(DataError, match=r"embedded in the json.*labelme_export_json"):
        read_labelme(tmp_path)
    write(path, path.read_text().replace("aGVsbG8=", ""))
    with pytest.raises(DataError, match=r"its image a\.jpg is missing"):
        read_labelme(tmp_path)
    add(tmp_path, "b", shape())
    add(tmp_path, "a", shape(), imagePath="b.jpg")
    with pytest.raises(DataError, match=r"b\.jpg is that of .*a\.json too"):
        read_labelme(tmp_path)
    write(path, '{"shapes": [')
    with pytest.raises(DataError, match=r"a\.json is not JSON"):
        load_task(tmp_path, format="labelme")
    write(path, "[1]")  # no annotations of LabelMe's: left alone
    (tmp_path / "x" / "valid").mkdir(parents=True)
    add(tmp_path / "x" / "train", "a", shape())
    with pytest.raises(DataError, match=r"valid is no split"):
        read_labelme(tmp_path / "x")


def test_a_list_of_classes_beside_is_left_alone(tmp_path: Path) -> None:
    add(tmp_path, "a", shape())
    before = read_labelme(tmp_path)
    (tmp_path / "classes.json").write_text('["c", "d"]')
    assert read_labelme(tmp_path) == before
