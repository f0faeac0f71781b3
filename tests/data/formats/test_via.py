"""The VGG Image Annotator: region data, projects and csv of its versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import load_task
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, sizes_of, write

SQUARE = {"name": "polygon", "all_points_x": [2, 7, 7, 2], "all_points_y": [1, 1, 4, 4]}
RECT = {"name": "rect", "x": 2, "y": 1, "width": 5, "height": 3}


def region(shape: dict[str, Any] = SQUARE, **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(root: Path, name: str, *regions: dict[str, Any]) -> dict[str, Any]:
    picture(root / name)
    return {f"{name}100": {"filename": name, "size": 100, "regions": list(regions), "file_attributes": {}}}


def test_region_data_and_projects_are_read(tmp_path: Path) -> None:
    root = tmp_path / "t"
    for split in ("train", "val"):
        content = entry(
            root / split,
            f"{split}.jpg",
            region(kind="cell"),
            region({**SQUARE, "all_points_x": [8, 11, 11, 8]}, kind="wall"),
        )
        write(root / split / "via_region_data.json", content)
    task = load_task(root)
    assert (task.format, sizes_of(task), task.classes) == ("VIA", {"train": 1, "val": 1}, ("cell", "wall"))
    assert [int(mask.sum()) for _, mask in masks_of(task)] == [15, 9]
    check_round_trip(task, tmp_path / "out")
    file = root / "train" / "via_region_data.json"
    write(file, {"_via_settings": {}, "_via_img_metadata": json.loads(file.read_text()), "_via_attributes": {}})
    assert load_task(root).splits == task.splits
    assert len(load_task(file).images) == 1


def test_numbered_regions_of_version_1_are_read(tmp_path: Path) -> None:
    content = entry(tmp_path, "a.jpg")
    content["a.jpg100"]["regions"] = {"0": region(name="cell"), "1": region(RECT, name="cell")}
    write(tmp_path / "via.json", content)
    task = load_task(tmp_path)
    assert len(masks_of(task)) == 1 and [(f.code, f.count) for f in task.findings] == [("boxes-left-out", 1)]


def test_csv_of_version_2_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    quoted = [json.dumps(value).replace('"', '""') for value in (SQUARE, {"class": "cell"})]
    head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    write(
        tmp_path / "via.csv",
        f'{head}a.jpg,1,"{{}}",1,0,"{quoted[0]}","{quoted[1]}"\nb.jpg,1,"{{}}",0,0,"{{}}","{{}}"\n',
    )
    picture(tmp_path / "b.jpg")
    task = load_task(tmp_path)
    assert task.classes == ("cell",) and len(task.images) == 2
    assert [i.area for record in task.images for i in record.instances] == [15]


def test_a_project_of_version_3_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    content = {
        "project": {"pid": "x"},
        "config": {},
        "attribute": {"1": {"aname": "class", "type": 4, "options": {"0": "cell", "1": "wall"}}},
        "file": {"1": {"fid": "1", "fname": "a.jpg", "type": 2, "loc": 1}},
        "metadata": {
            "1_x": {"vid": "1", "flg": 0, "z": [], "xy": [7, 2, 1, 7, 1, 7, 4, 2, 4], "av": {"1": "1"}},
            "1_y": {"vid": "1", "flg": 0, "z": [], "xy": [3, 6, 4, 2], "av": {"1": "0"}},
        },
        "view": {"1": {"fid_list": ["1"]}},
    }
    write(tmp_path / "project.json", {**content, "vid_list": ["1"]})
    masks = masks_of(load_task(tmp_path / "project.json"))
    assert [(label, int(mask.sum())) for label, mask in masks] == [("wall", 15), ("cell", 12)]


def test_the_class_is_the_only_attribute_or_the_one_with_a_usual_name(tmp_path: Path) -> None:
    write(tmp_path / "via.json", entry(tmp_path, "a.jpg", region(), region({**SQUARE, "all_points_x": [8, 11, 11, 8]})))
    assert load_task(tmp_path).classes == ("object",)
    write(tmp_path / "via.json", entry(tmp_path, "a.jpg", region(colour="red", label={"cell": True, "wall": False})))
    assert load_task(tmp_path).classes == ("cell",)
    write(tmp_path / "via.json", entry(tmp_path, "a.jpg", region(colour="red", age="old")))
    with data_error("attributes colour, age", "Rename the attribute"):
        load_task(tmp_path)


def test_broken_regions_are_left_out_or_listed(tmp_path: Path) -> None:
    good = [entry(tmp_path, f"{n}.jpg", region(kind="cell")) for n in range(4)]
    bad = region({**SQUARE, "all_points_x": [1, 2]}, kind="cell")
    content = {key: value for row in good for key, value in row.items()}
    write(tmp_path / "via.json", content | entry(tmp_path, "b.jpg", bad))
    assert "image b.jpg, region 0 (polygon): its points are not two lists" in left_out(load_task(tmp_path))
    write(tmp_path / "via.json", content | entry(tmp_path, "b.jpg", *[bad] * 6))
    with data_error("6 of 10 entries", "skip_broken=True"):
        load_task(tmp_path)


@pytest.mark.parametrize("content", [{"_via_img_metadata": 7}, {"metadata": {}, "file": 7, "vid_list": []}])
def test_other_structures_are_errors(tmp_path: Path, content: Any) -> None:
    write(tmp_path / "via.json", content)
    with data_error("via.json" if "file" in content else "has no image"):
        load_task(tmp_path / "via.json", format="via")


def test_rows_whose_attributes_are_no_objects_are_left_out(tmp_path: Path) -> None:
    head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    shape = json.dumps(SQUARE).replace('"', '""')
    rows = []
    for n, attributes in enumerate(['{""class"": ""cell""}'] * 4 + ["7"]):
        picture(tmp_path / f"{n}.jpg")
        rows.append(f'{n}.jpg,1,"{{}}",1,0,"{shape}","{attributes}"\n')
    write(tmp_path / "via.csv", head + "".join(rows))
    task = load_task(tmp_path)
    assert "row 6: it is not a region of VIA (its attributes are a int" in left_out(task)
    assert task.classes == ("cell",) and len(task.images) == 4


@pytest.mark.parametrize("turn", [[1], "x", {}])
def test_a_turn_that_is_no_number_is_a_broken_region(tmp_path: Path, turn: Any) -> None:
    disc = {"name": "ellipse", "cx": 6, "cy": 4, "rx": 2, "ry": 2, "theta": turn or [0]}
    content = {key: row for n in range(4) for key, row in entry(tmp_path, f"{n}.jpg", region(kind="cell")).items()}
    write(tmp_path / "via.json", content | entry(tmp_path, "b.jpg", region(disc, kind="cell")))
    assert "image b.jpg, region 0 (ellipse): a coordinate is not a number" in left_out(load_task(tmp_path))
