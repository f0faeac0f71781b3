"""Label Studio's JSON and JSON-MIN: polygons, brushes, ellipses, and tasks that are not clear."""

from __future__ import annotations

import base64
import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import load_task
from samtailor.data.formats.label_studio_brush import brush_mask
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, write

SIZE = {"original_width": 12, "original_height": 8, "image_rotation": 0}
POINTS = [[100 * x / 12, 100 * y / 8] for x, y in ((2, 1), (7, 1), (7, 4), (2, 4))]


def packed(mask: np.ndarray, literal: bool = False) -> list[int]:
    """Pack a mask as Label Studio does: RGBA values as runs, or as literal words."""
    values = np.repeat(np.where(mask, 255, 0).ravel(), 4)
    bits = f"{values.size:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), values.size]
    for start, end in itertools.pairwise(edges):
        for at in range(start, end, 65536):
            count = min(end - at, 65536)
            which, size = next((n, s) for n, s in enumerate((3, 4, 8, 16)) if count <= 1 << s)
            words = [values[at]] * (count if literal else 1)
            bits += f"{0 if literal else 1}{which:02b}{count - 1:0{size}b}" + "".join(f"{word:08b}" for word in words)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[n : n + 8], 2) for n in range(0, len(bits), 8)]


def region(kind: str, label: str | None = "cell", name: str = "r", **value: Any) -> dict[str, Any]:
    labels = {} if label is None else {f"{kind}labels": [label]}
    return {"id": name, "type": f"{kind}labels" if labels else kind, **SIZE, "value": {**value, **labels}}


def task(root: Path, name: str, *regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    picture(root / "images" / name)
    annotations = [{"id": 1, "was_cancelled": False, "result": list(regions)}]
    return {"id": 1, "data": {"image": f"/data/upload/1/{name}"}, "annotations": annotations, **more}


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.booleans())
def test_brushes_are_unpacked(mask: np.ndarray, literal: bool) -> None:
    assert (brush_mask(packed(mask, literal), *mask.shape) == mask).all()


@pytest.mark.parametrize("cut", [1, 8, 12])
def test_damaged_brushes_are_errors(cut: int) -> None:
    rle = packed(np.eye(6, dtype=bool))
    with pytest.raises(ValueError, match=r"ends too early|longer"):
        brush_mask(rle[:-cut], 6, 6)
    with pytest.raises(ValueError, match="expected 7 x 6 x 4"):
        brush_mask(rle, 7, 6)


def test_polygons_brushes_and_ellipses_are_read(tmp_path: Path) -> None:
    root, mask = tmp_path / "t", np.zeros((8, 12), dtype=bool)
    mask[5:7, 8:11] = True
    buffer = io.BytesIO()
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(buffer, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    regions = [
        region("polygon", points=POINTS, name="a"),
        region("brush", "wall", format="rle", rle=packed(mask), name="b"),
        region("ellipse", "disc", x=50, y=50, radiusX=100 * 2 / 12, radiusY=25, rotation=0, name="c"),
        region("bitmask", "stamp", imageDataURL=url, name="d"),
        region("keypoint", "nose", x=1, y=1, name="e"),
        {"id": "f", "type": "choices", "value": {"choices": ["good"]}},
    ]
    write(root / "project-1.json", [task(root, f"{n}.jpg", *regions) for n in range(3)])
    loaded = load_task(root)
    assert [(label, int(m.sum())) for label, m in masks_of(loaded)] == [
        ("cell", 15),
        ("wall", 6),
        ("disc", 12),
        ("stamp", 6),
    ]
    assert {f.code for f in loaded.findings} == {"repaired-path", "shapes-left-out"}
    check_round_trip(loaded, tmp_path / "out")
    assert load_task(root / "project-1.json").splits == loaded.splits


def test_json_min_and_labels_in_another_result_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "0a1b2c3d-a.jpg")
    write(
        tmp_path / "min.json",
        [{"image": "a.jpg", "id": 1, "label": [{"points": POINTS, "polygonlabels": ["cell"], **SIZE}]}],
    )
    assert masks_of(load_task(tmp_path))[0][0] == "cell"
    drawn = region("polygon", None, points=POINTS)
    named = {"id": "r", "type": "labels", "value": {"points": POINTS, "labels": ["wall"]}}
    write(tmp_path / "min.json", [task(tmp_path, "b.jpg", drawn, named)])
    assert [label for label, _ in masks_of(load_task(tmp_path))] == ["wall"]


def test_several_annotations_of_a_task_are_broken_unless_one_is_the_truth(tmp_path: Path) -> None:
    tasks = [task(tmp_path, f"{n}.jpg", region("polygon", points=POINTS)) for n in range(5)]
    tasks[0]["annotations"] *= 2
    write(tmp_path / "p.json", tasks)
    assert "it has 2 annotations by different people" in left_out(load_task(tmp_path))
    tasks[0]["annotations"][1] = {**tasks[0]["annotations"][0], "ground_truth": True}
    tasks[1]["annotations"].append({"was_cancelled": True, "result": []})
    write(tmp_path / "p.json", tasks)
    loaded = load_task(tmp_path)
    assert len(loaded.images) == 5 and {f.code for f in loaded.findings} == {"repaired-path", "skipped-annotations"}


FAULTS = {
    "it has 2 labels": {"polygonlabels": ["a", "b"], "points": POINTS},
    "it has 2 points": {"polygonlabels": ["a"], "points": POINTS[:2]},
    "its points are not a list of pairs": {"polygonlabels": ["a"]},
}


@pytest.mark.parametrize("cause", FAULTS)
def test_broken_regions_are_listed(tmp_path: Path, cause: str) -> None:
    regions = [{**region("polygon", name=f"r{n}"), "value": FAULTS[cause]} for n in range(4)]
    write(tmp_path / "p.json", [task(tmp_path, "a.jpg", *regions)])
    with data_error("4 of 4 entries", "task 1, region r3 (polygon)", cause, "skip_broken=True"):
        load_task(tmp_path)


def test_rectangles_alone_and_turned_images_are_errors(tmp_path: Path) -> None:
    write(
        tmp_path / "p.json",
        [task(tmp_path, "a.jpg", region("rectangle", x=10, y=10, width=50, height=50, rotation=30))],
    )
    with data_error("are boxes", "--boxes-as-masks"):
        load_task(tmp_path)
    write(tmp_path / "p.json", [task(tmp_path, "a.jpg", {**region("polygon", points=POINTS), "image_rotation": 90})])
    with data_error("turned by 90 degrees"):
        load_task(tmp_path)
