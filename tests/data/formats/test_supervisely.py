"""Projects of Supervisely, and the polygons of Cityscapes, Mapillary and SA-1B."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data import load_task
from samtailor.data.pixels.rle import mask_rle
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, sizes_of, write

SQUARE = [[2, 1], [7, 1], [7, 4], [2, 4]]


def thing(label: str = "cell", kind: str = "polygon", exterior: Any = SQUARE, interior: Any = ()) -> dict[str, Any]:
    return {"classTitle": label, "geometryType": kind, "points": {"exterior": exterior, "interior": list(interior)}}


def bitmap(mask: np.ndarray, left: int, top: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    return {"classTitle": "wall", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [left, top]}}


def add(root: Path, data_set: str, name: str, *objects: dict[str, Any]) -> Path:
    picture(root / data_set / "img" / name)
    size = {"height": 8, "width": 12}
    return write(root / data_set / "ann" / f"{name}.json", {"size": size, "tags": [], "objects": list(objects)})


def test_polygons_with_holes_and_bitmaps_are_read(tmp_path: Path) -> None:
    root, cut = tmp_path / "t", np.array([[True, False, True], [True, True, True]])
    classes = [{"title": "wall", "shape": "bitmap"}, {"title": "cell", "shape": "polygon"}]
    write(root / "meta.json", {"classes": classes, "tags": []})
    hole = [[3, 2], [5, 2], [5, 3], [3, 3]]
    for data_set in ("train", "val"):
        add(root, data_set, f"{data_set}.jpg", thing(interior=[hole]), bitmap(cut, 8, 5), thing(kind="line"))
    task = load_task(root)
    assert (task.format, sizes_of(task), task.classes) == ("Supervisely", {"train": 1, "val": 1}, ("wall", "cell"))
    (_, cell), (_, wall) = masks_of(task)
    assert cell.sum() == 13 and not cell[2, 3:5].any() and (wall[5:7, 8:11] == cut).all() and wall.sum() == 5
    assert [(f.code, f.count) for f in task.findings] == [("shapes-left-out", 2)]
    check_round_trip(task, tmp_path / "out")


def test_broken_objects_and_rectangles(tmp_path: Path) -> None:
    damaged = {"classTitle": "wall", "geometryType": "bitmap", "bitmap": {"data": "eHg=", "origin": [0, 0]}}
    for n in range(4):
        add(tmp_path, "ds", f"{n}.jpg", thing())
    add(tmp_path, "ds", "b.jpg", damaged)
    assert "b.jpg.json, object 0 (bitmap): its bitmap is damaged (" in left_out(load_task(tmp_path))
    for n in [*range(4), "b"]:
        add(tmp_path, "ds", f"{n}.jpg", thing(kind="rectangle", exterior=[[2, 1], [7, 4]]))
    with data_error("All 5 shapes", "Supervisely", "--boxes-as-masks"):
        load_task(tmp_path)


def test_cityscapes_polygons_hide_what_is_behind_them(tmp_path: Path) -> None:
    front = [[4, 2], [9, 2], [9, 6], [4, 6]]
    objects = [{"label": "road", "polygon": SQUARE}, {"label": "cargroup", "polygon": front}]
    objects += [{"label": "out of roi", "polygon": [[0, 0], [3, 0], [3, 8], [0, 8]]}]
    for split in ("train", "val"):
        name = f"{split}/ulm/ulm_0_0"
        picture(tmp_path / "leftImg8bit" / f"{name}_leftImg8bit.png")
        content = {"imgHeight": 8, "imgWidth": 12, "objects": objects}
        write(tmp_path / "gtFine" / f"{name}_gtFine_polygons.json", content)
    task = load_task(tmp_path)
    instances = task.split("train")[0].instances
    assert [(i.label, i.area, i.crowd) for i in instances] == [("road", 6, False), ("car", 20, True)]
    assert sizes_of(task) == {"train": 1, "val": 1}


def test_mapillary_polygons_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "training" / "images" / "a.jpg")
    objects = [{"label": "object--car", "polygon": SQUARE}, {"label": "void--unlabeled", "polygon": SQUARE[:3]}]
    write(tmp_path / "training" / "v2.0" / "polygons" / "a.json", {"width": 12, "height": 8, "objects": objects})
    task = load_task(tmp_path)
    assert [i.label for i in task.split("train")[0].instances] == ["object--car"]


def test_sa1b_files_are_read_and_broken_masks_are_counted(tmp_path: Path) -> None:
    mask = np.zeros((8, 12), dtype=bool)
    mask[1:4, 2:7] = True
    rle = mask_rle(mask)
    good = {"segmentation": {"size": [8, 12], "counts": rle["counts"].decode()}}
    for n in range(3):
        picture(tmp_path / f"sa_{n}.jpg")
        image = {"image_id": n, "file_name": f"sa_{n}.jpg", "height": 8, "width": 12}
        annotations = [good, {"segmentation": {"size": [8, 13], "counts": "0"}}][: 2 if n == 2 else 1]
        write(tmp_path / f"sa_{n}.json", {"image": image, "annotations": annotations})
    task = load_task(tmp_path)
    assert "sa_2.json, annotation 1: its RLE has size [8, 13]" in left_out(task)
    assert task.classes == ("object",) and all((m == mask).all() for _, m in masks_of(task))
    assert len(load_task(tmp_path / "sa_0.json").images) == 1
