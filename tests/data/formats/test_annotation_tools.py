"""Exports of annotation tools are read to the pixel, or refused with the tool named and the export to choose."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, corners, label_map, mask_of, photo, scene
from tests.data.helpers import data_error, left_out, save, sizes_of, write

IDS = {"leaf": 1, "stem": 0}


def flat(shape: Any) -> list[int]:
    return [value for corner in corners(shape) for value in corner]


def column_runs(mask: np.ndarray) -> list[int]:
    values = mask.T.ravel()
    edges = np.flatnonzero(np.diff(values.astype(np.int8), prepend=0, append=0))
    bounds = [0, *edges.tolist(), values.size]
    return np.diff(np.array(bounds)[:-1] if bounds[-1] == bounds[-2] else bounds).tolist()


def datumaro(root: Path, as_masks: bool = False) -> dict[str, int]:
    labels = [{"name": "stem", "parent": "", "attributes": []}, {"name": "leaf", "parent": "", "attributes": []}]
    for split, numbers in (("train", (0, 1, 2)), ("val", (3, 4))):
        items = []
        for n in numbers:
            photo(root / "images" / split / f"p{n}.jpg")
            shapes: list[dict[str, Any]] = []
            for k, shape in enumerate(scene(n)):
                entry = {"id": k, "label_id": IDS[shape[0]], "group": 0, "attributes": {"is_crowd": as_masks}}
                if as_masks:
                    rle = {"counts": column_runs(mask_of(shape)), "size": [HEIGHT, WIDTH]}
                    shapes.append({**entry, "type": "mask", "rle": rle})
                else:
                    shapes.append({**entry, "type": "polygon", "points": flat(shape), "z_order": 0})
            image = {"path": f"p{n}.jpg", "size": [HEIGHT, WIDTH]}
            items.append({"id": f"p{n}", "annotations": shapes, "attr": {"frame": n}, "image": image})
        content = {"info": {}, "categories": {"label": {"labels": labels, "attributes": []}}, "items": items}
        write(root / "annotations" / f"{split}.json", content)
    return {f"p{n}": n for n in range(5)}


@pytest.mark.parametrize("as_masks", [False, True])
def test_datumaro_json(tmp_path: Path, as_masks: bool) -> None:
    numbers = datumaro(tmp_path, as_masks)
    task = load_task(tmp_path)
    assert task.format.startswith("Datumaro json") and task.classes == ("stem", "leaf")
    assert sizes_of(task) == {"train": 3, "val": 2}
    check_scenes(task, numbers)
    assert not any(i.crowd for record in task.images for i in record.instances)
    one = load_task(tmp_path / "annotations" / "train.json")
    check_scenes(one, {f"p{n}": n for n in range(3)})


def test_datumaro_shapes_of_a_group_are_one_instance_and_boxes_are_left_out(tmp_path: Path) -> None:
    datumaro(tmp_path)
    path = tmp_path / "annotations" / "train.json"
    content = json.loads(path.read_text())
    first = content["items"][0]["annotations"]
    first.append({**first[0], "points": [30, 1, 40, 1, 40, 6]})
    first[0]["group"] = first[-1]["group"] = 7
    first.append({"type": "bbox", "label_id": 1, "group": 0, "bbox": [1, 1, 5, 5]})
    first.append({"type": "polygon", "label_id": 9, "group": 0, "points": [1, 1, 9, 1, 9, 9]})
    write(path, content)
    task = load_task(tmp_path)
    record = next(r for r in task.images if r.path.stem == "p0")
    assert len(record.instances) == 2
    assert {f.code for f in task.findings} >= {"boxes-left-out", "broken-entries"}
    assert "annotation 4" in left_out(task)


def darwin(root: Path, version: int) -> dict[str, int]:
    for n in range(4):
        photo(root / "images" / f"d{n}.png")
        rows: list[dict[str, Any]] = []
        for shape in scene(n):
            path = [{"x": x, "y": y} for x, y in corners(shape)]
            box = {"x": 1, "y": 1, "w": 3, "h": 3}
            polygon: dict[str, Any] = {"path": path} if version == 1 else {"paths": [path]}
            rows.append({"id": f"{n}", "name": shape[0], "polygon": polygon, "bounding_box": box, "slot_names": ["0"]})
        rows.append({"name": "blurry", "tag": {}})
        if version == 1:
            image = {"width": WIDTH, "height": HEIGHT, "filename": f"d{n}.png", "workview_url": "https://darwin"}
            content: dict[str, Any] = {"dataset": "plants", "image": image, "annotations": rows}
        else:
            slot = {"type": "image", "slot_name": "0", "width": WIDTH, "height": HEIGHT}
            slot["source_files"] = [{"file_name": f"d{n}.png", "url": "https://darwin"}]
            item = {"name": f"d{n}.png", "path": "/", "slots": [slot]}
            content = {"version": "2.0", "schema_ref": "https://darwin", "item": item, "annotations": rows}
        write(root / "annotations" / f"d{n}.json", content)
    return {f"d{n}": n for n in range(4)}


@pytest.mark.parametrize("version", [1, 2])
def test_v7_darwin_json(tmp_path: Path, version: int) -> None:
    numbers = darwin(tmp_path, version)
    task = load_task(tmp_path)
    assert task.format.startswith("V7 Darwin json") and task.classes == ("leaf", "stem")
    check_scenes(task, numbers)


def test_v7_holes_and_raster_layers(tmp_path: Path) -> None:
    darwin(tmp_path, 2)
    path = tmp_path / "annotations" / "d0.json"
    content = json.loads(path.read_text())
    outer = [{"x": x, "y": y} for x, y in ((2, 2), (12, 2), (12, 12), (2, 12))]
    hole = [{"x": x, "y": y} for x, y in ((4, 4), (8, 4), (8, 10), (4, 10))]
    labels = label_map(1)
    edges = np.flatnonzero(np.diff(labels.ravel().astype(int), prepend=-1, append=-1))
    runs = [v for a, b in pairwise(edges) for v in (int(labels.ravel()[a]), int(b - a))]
    content["annotations"] = [
        {"id": "h", "name": "leaf", "polygon": {"paths": [outer, hole]}},
        {"id": "m1", "name": "stem", "mask": {}},
        {
            "id": "r",
            "name": "__raster_layer__",
            "raster_layer": {"dense_rle": runs, "mask_annotation_ids_mapping": {"m1": 2}},
        },
    ]
    write(path, content)
    task = load_task(tmp_path)
    record = next(r for r in task.images if r.path.stem == "d0")
    assert sorted((i.label, i.area) for i in record.instances) == [("leaf", 76), ("stem", int((labels == 2).sum()))]
    assert next(i for i in record.instances if i.label == "stem").mask().tobytes() == (labels == 2).tobytes()


@pytest.mark.parametrize("collection", [True, False])
def test_qupath_geojson(tmp_path: Path, collection: bool) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"slide {n}.tif")
        features = []
        for shape in scene(n):
            ring = [*corners(shape), corners(shape)[0]]
            properties: dict[str, Any] = {
                "objectType": "annotation",
                "classification": {"name": shape[0], "color": [1, 2, 3]},
            }
            geometry = {"type": "Polygon", "coordinates": [ring]}
            features.append({"type": "Feature", "id": "u", "geometry": geometry, "properties": properties})
        features.append({**features[0], "geometry": {"type": "Point", "coordinates": [3, 3]}})
        content = {"type": "FeatureCollection", "features": features} if collection else features
        write(tmp_path / "geojson" / f"slide {n}.geojson", content)
    task = load_task(tmp_path)
    assert task.format.startswith("QuPath GeoJSON")
    check_scenes(task, {f"slide {n}": n for n in range(4)})
    assert [f.count for f in task.findings if f.code == "shapes-left-out"] == [4]


def test_qupath_holes_and_unclassified_shapes(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    rings = [[[2, 2], [12, 2], [12, 12], [2, 12], [2, 2]], [[4, 4], [8, 4], [8, 10], [4, 10], [4, 4]]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}}
    write(tmp_path / "a.geojson", [{**feature, "properties": {"objectType": "detection"}}])
    task = load_task(tmp_path)
    assert [(i.label, i.area) for r in task.images for i in r.instances] == [("object", 76)]


def test_labelme_of_the_web(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "Images" / "users" / f"w{n}.jpg")
        rows = "".join(
            f"<object><name>\n{s[0]}\n</name><deleted>0</deleted><polygon>"
            + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in corners(s))
            + "</polygon></object>"
            for s in scene(n)
        )
        deleted = rows.replace("<deleted>0", "<deleted>1")
        size = f"<imagesize><nrows>{HEIGHT}</nrows><ncols>{WIDTH}</ncols></imagesize>"
        text = f"<annotation><filename>w{n}.jpg</filename><folder>users</folder>{rows}{deleted}{size}</annotation>"
        write(tmp_path / "Annotations" / "users" / f"w{n}.xml", text)
    check_scenes(load_task(tmp_path), {f"w{n}": n for n in range(3)})


def voc_xml(n: int, polygons: bool = True) -> str:
    rows = ""
    for s in scene(n):
        points = "".join(f"<x{k}>{x}</x{k}><y{k}>{y}</y{k}>" for k, (x, y) in enumerate(corners(s), 1))
        x, y = f"<xmin>{s[1]}</xmin><xmax>{s[1] + s[3]}</xmax>", f"<ymin>{s[2]}</ymin><ymax>{s[2] + s[4]}</ymax>"
        box = f"<bndbox>{x}{y}</bndbox>"
        rows += f"<object><name>{s[0]}</name>{box}{f'<polygon>{points}</polygon>' if polygons else ''}</object>"
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><folder/><filename>v{n}.jpg</filename>{size}{rows}</annotation>"


def test_voc_xml_with_polygons_of_roboflow(tmp_path: Path) -> None:
    for split, numbers in (("train", (0, 1, 2)), ("valid", (3,)), ("test", (4,))):
        for n in numbers:
            photo(tmp_path / split / f"v{n}.jpg")
            write(tmp_path / split / f"v{n}.xml", voc_xml(n))
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"v{n}": n for n in range(5)})


def test_voc_folders_with_polygons_in_the_xml(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "JPEGImages" / f"v{n}.jpg")
        write(tmp_path / "Annotations" / f"v{n}.xml", voc_xml(n))
    check_scenes(load_task(tmp_path), {f"v{n}": n for n in range(4)})


def test_voc_xml_with_boxes_of_roboflow_is_refused(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "train" / f"v{n}.jpg")
        write(tmp_path / "train" / f"v{n}.xml", voc_xml(n, polygons=False))
    with data_error("boxes", "--boxes-as-masks"):
        load_task(tmp_path)


POLYGON = {"type": "polygon", "className": "leaf", "points": [1, 2, 3, 4, 5, 6]}
BOX = {"label": "leaf", "coordinates": {"x": 1, "y": 2, "width": 3, "height": 4}}
LABELS = {"ground-truth": {"label_status": "REVIEWED", "attributes": {}}}
CREATEML = [{"image": "a.jpg", "annotations": [BOX]}]
LABELBOX = {"data_row": {"id": "c", "external_id": "a.jpg"}, "projects": {}}
SEGMENTS = {"name": "x", "samples": [{"name": "a.jpg", "labels": LABELS}]}
ENCORD = [{"data_title": "a.jpg", "data_hash": "x", "label_rows": {"objects": [{"objectHash": "k"}]}}]
SUPERANNOTATE = {"metadata": {"name": "a.jpg"}, "instances": [POLYGON]}
BDD100K = [{"name": "a.jpg", "labels": [{"category": "car", "poly2d": [{"vertices": [[1, 2]]}]}]}]
MONUSEG = (
    '<?xml version="1.0"?><Annotations M="0.25"><Annotation Id="1"><Regions><Region Id="1"/></Regions></Annotation>'
)
SPACENET = {"type": "FeatureCollection", "crs": {"type": "name"}, "features": []}
OTHERS = {  # name of the file, content, words for the tool, and for the way out
    "createml": ("_annotations.createml.json", CREATEML, "CreateML", "COCO segmentation"),
    "labelbox": ("export.ndjson", LABELBOX, "Labelbox", "COCO"),
    "segments": ("dataset.json", SEGMENTS, "Segments.ai", "coco-instance"),
    "encord": ("export.json", ENCORD, "Encord", "COCO"),
    "superannotate": ("a.jpg___pixel.json", SUPERANNOTATE, "SuperAnnotate", "COCO"),
    "bdd": ("det.json", BDD100K, "BDD100K", "bitmasks"),
    "spacenet": ("img.geojson", SPACENET, "map coordinates", "gdal_rasterize"),
    "monuseg": ("a.xml", MONUSEG, "ImageScope", "masks/"),
    "kaggle": ("train.csv", "ImageId,EncodedPixels\na.jpg,1 3 10 5\n", "Kaggle", "rle_decode"),
    "imagej": ("RoiSet.zip", "x", "ImageJ", "masks/"),
    "nifti": ("case.nii.gz", "x", "NIfTI", "PNG"),
    "matlab": ("a.mat", "x", "MATLAB", "masks/"),
    "ilastik": ("a.h5", "x", "Ilastik", "masks/"),
    "archive": ("data.zip", "x", "archives", "Unpack"),
}


@pytest.mark.parametrize("tool", OTHERS)
def test_a_tool_that_is_not_read_is_named_with_the_way_out(tmp_path: Path, tool: str) -> None:
    name, content, who, what = OTHERS[tool]
    photo(tmp_path / "a.jpg")
    write(tmp_path / name, content)
    with data_error(who, what, name):
        load_task(tmp_path)


def test_masks_beside_other_files_are_still_read(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "images" / f"a{n}.png")
        save(tmp_path / "masks" / f"a{n}.png", label_map(n))
    write(tmp_path / "raw.zip", "x")
    write(tmp_path / "train.csv", "ImageId,EncodedPixels\na.jpg,1 3 10 5\n")
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)}, "object")
