"""Small tasks in the formats that keep their shapes in annotation files. Pictures have 12 x 8 pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.data.formats import labelme_content, yolo_content
from tests.data.formats.coco_content import plain_counts, text_rle
from tests.data.formats.test_cvat_xml import BOX, MASK, POLYGON, annotations, image
from tests.data.formats.test_label_studio import POINTS, packed, region, task
from tests.data.formats.test_supervisely import add, bitmap, thing
from tests.data.formats.test_via import RECT, entry
from tests.data.formats.test_via import region as via_region
from tests.data.formats.test_voc_boxes import XML
from tests.data.helpers import picture, save, write

W, H, IMAGES = 12, 8, 3
BLOCK = np.zeros((H, W), dtype=bool)
BLOCK[1:4, 2:7] = True
SQUARE = [2, 1, 7, 1, 7, 4, 2, 4]
CORNERS = [[2, 1], [7, 1], [7, 4], [2, 4]]


def coco(root: Path) -> None:
    shapes: list[Any] = [
        text_rle(BLOCK),
        {"size": [H, W], "counts": plain_counts(BLOCK)},
        [SQUARE],
        [SQUARE, [8, 5, 11, 5, 11, 7]],
    ]
    for split in ("train", "val"):
        images = [{"id": n, "file_name": f"{split}{n}.png", "width": W, "height": H} for n in range(IMAGES)]
        entries = [
            {"id": 10 * n + k, "image_id": n, "category_id": 1 + k % 2, "iscrowd": int(k == 1 and n == 0)}
            | {"bbox": [2, 1, 5, 3], "area": 15, "segmentation": shape}
            for n in range(IMAGES)
            for k, shape in enumerate(shapes)
        ]
        for record in images:
            picture(root / "images" / str(record["file_name"]), W, H)
        categories = [{"id": 1, "name": "cell", "supercategory": "x"}, {"id": 2, "name": "wall"}]
        write(root / f"{split}.json", {"info": {}, "images": images, "annotations": entries, "categories": categories})


def panoptic(root: Path) -> None:
    colours = np.zeros((H, W, 3), dtype=np.uint8)
    colours[1:4, 2:7, 0], colours[5:7, 8:11, 0] = 5, 9
    images, entries = [], []
    for n in range(IMAGES):
        picture(root / "images" / f"{n}.jpg", W, H)
        save(root / "annotations" / "panoptic_train" / f"{n}.png", colours)
        images.append({"id": n, "file_name": f"{n}.jpg", "width": W, "height": H})
        segments = [
            {"id": 5, "category_id": 1, "iscrowd": 0, "area": 15},
            {"id": 9, "category_id": 2, "iscrowd": 0, "area": 6},
        ]
        entries.append({"image_id": n, "file_name": f"{n}.png", "segments_info": segments})
    categories = [{"id": 1, "name": "cell", "isthing": 1}, {"id": 2, "name": "wall", "isthing": 0}]
    write(
        root / "annotations" / "panoptic_train.json",
        {"images": images, "annotations": entries, "categories": categories},
    )


def labelme(root: Path) -> None:
    for n in range(IMAGES):
        labelme_content.add(
            root,
            str(n),
            labelme_content.shape(),
            labelme_content.shape(kind="circle", points=[[6, 4], [8, 4]], group_id=1),
            labelme_content.shape(points=[[1, 1], [4, 2], [3, 6]], group_id=1),
            labelme_content.shape("wall", "rectangle", [[2, 2], [9, 6]]),
            labelme_content.shape("wall", "mask", [[3, 4], [5, 6]], mask=labelme_content.png(np.eye(3, dtype=bool))),
            labelme_content.shape("line", "linestrip", [[2, 2], [9, 6]]),
        )


def yolo(root: Path) -> None:
    write(root / "data.yaml", yolo_content.ULTRALYTICS)
    for split in ("train", "val"):
        for n in range(2):
            lines = (yolo_content.SQUARE, "1 0.2 0.2 0.9 0.3 0.8 0.9 0.1 0.9")
            yolo_content.add(root, f"images/{split}", f"labels/{split}", str(n), "\n".join(lines))


def cvat(root: Path) -> None:
    ellipse = '<ellipse label="cell" cx="6" cy="4" rx="2" ry="2" rotation="30"/>'
    annotations(root, *(image(root, f"{n}.jpg", POLYGON, MASK, BOX, ellipse) for n in range(IMAGES)))


def via(root: Path) -> None:
    circle = {"name": "ellipse", "cx": 6, "cy": 4, "rx": 2, "ry": 2, "theta": 0.3}
    content: dict[str, Any] = {}
    for n in range(IMAGES):
        regions = [via_region(name="cell"), via_region(circle, name="wall"), via_region(RECT, name="cell")]
        content |= entry(root, f"{n}.jpg", *regions)
    write(root / "via_region_data.json", content)


def via_csv(root: Path) -> None:
    head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    shape = json.dumps({"name": "polygon", "all_points_x": [2, 7, 7, 2], "all_points_y": [1, 1, 4, 4]}).replace(
        '"', '""'
    )
    rows = []
    for n in range(IMAGES):
        picture(root / f"{n}.jpg", W, H)
        rows.append(f'{n}.jpg,1,"{{}}",1,0,"{shape}","{{""class"": ""cell""}}"\n')
    write(root / "via.csv", head + "".join(rows))


def via_3(root: Path) -> None:
    files, metadata, views = {}, {}, {}
    for n in map(str, range(IMAGES)):
        picture(root / f"{n}.jpg", W, H)
        files[n] = {"fid": n, "fname": f"{n}.jpg", "type": 2, "loc": 1}
        views[n] = {"fid_list": [n]}
        metadata[f"{n}_x"] = {"vid": n, "flg": 0, "z": [], "xy": [7, 2, 1, 7, 1, 7, 4, 2, 4], "av": {"1": "1"}}
        metadata[f"{n}_y"] = {"vid": n, "flg": 0, "z": [], "xy": [3, 6, 4, 2], "av": {"1": "0"}}
    attributes = {"1": {"aname": "class", "type": 4, "options": {"0": "cell", "1": "wall"}}}
    content = {"project": {"pid": "x"}, "config": {}, "attribute": attributes, "file": files, "metadata": metadata}
    write(root / "project.json", {**content, "view": views, "vid_list": list(views)})


def label_studio(root: Path) -> None:
    shapes = (
        region("polygon", points=POINTS),
        region("brush", "wall", format="rle", rle=packed(BLOCK)),
        region("ellipse", x=50, y=50, radiusX=10, radiusY=10, rotation=20),
        region("rectangle", x=10, y=10, width=30, height=30, rotation=5),
    )
    write(root / "export.json", [task(root, f"{n}.jpg", *shapes) for n in range(IMAGES)])


def sa1b(root: Path) -> None:
    for n in range(IMAGES):
        picture(root / f"sa_{n}.jpg", W, H)
        record = {"image_id": n, "file_name": f"sa_{n}.jpg", "height": H, "width": W}
        entries = [{"id": k, "segmentation": text_rle(BLOCK), "bbox": [2, 1, 5, 3], "area": 15} for k in range(2)]
        write(root / f"sa_{n}.json", {"image": record, "annotations": entries})


def supervisely(root: Path) -> None:
    classes = [{"title": "wall", "shape": "bitmap"}, {"title": "cell", "shape": "polygon"}]
    write(root / "meta.json", {"classes": classes, "tags": []})
    hole = [[3, 2], [5, 2], [5, 3], [3, 3]]
    for split in ("train", "val"):
        for n in range(2):
            add(
                root,
                split,
                f"{n}.jpg",
                thing(interior=[hole]),
                bitmap(BLOCK[1:4, 2:7], 8, 5),
                thing(kind="rectangle", exterior=[[1, 1], [4, 4]]),
            )


def street(root: Path) -> None:
    objects = [{"label": "road", "polygon": CORNERS}, {"label": "cargroup", "polygon": [[1, 1], [9, 1], [9, 6]]}]
    for split in ("train", "val"):
        name = f"{split}/ulm/ulm_0_0"
        picture(root / "leftImg8bit" / f"{name}_leftImg8bit.png", W, H)
        write(root / "gtFine" / f"{name}_gtFine_polygons.json", {"imgHeight": H, "imgWidth": W, "objects": objects})


def voc_boxes(root: Path) -> None:
    for n in range(IMAGES):
        picture(root / "JPEGImages" / f"{n}.jpg", W, H)
        write(root / "Annotations" / f"{n}.xml", XML)
