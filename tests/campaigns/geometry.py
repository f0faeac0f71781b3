"""Polygons, boxes, discs and masks that are far outside, huge, degenerate or of millions of corners."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.campaigns.annotations import prepare, read_as_users_do
from tests.campaigns.campaign import Campaign
from tests.campaigns.sound import annotated
from tests.data.formats import labelme_content, yolo_content
from tests.data.formats.test_cvat_xml import annotations, image
from tests.data.formats.test_label_studio import region, task
from tests.data.formats.test_supervisely import add, thing
from tests.data.formats.test_via import entry
from tests.data.formats.test_via import region as via_region
from tests.data.helpers import picture, write

__all__ = ["GEOMETRY"]

Ring = list[list[float]]
_FAR = (1e3, 1e6, 1e9, 1e15, 1e308, 2**31, 2**32, 2**63)


def ring(rng: Random) -> Ring:
    """Return corners of a polygon that nobody would draw."""
    count = rng.choice([3, 4, 60, 60, 2000, 20_000])
    far = rng.choice(_FAR)
    turns = [2 * math.pi * n / count for n in range(count)]
    kinds: dict[str, Callable[[], Ring]] = {
        "around the picture": lambda: [[far * math.cos(t), far * math.sin(t)] for t in turns],
        "zigzag": lambda: [[-far if n % 2 else far, n * rng.choice([0.01, 1.0])] for n in range(count)],
        "one corner far": lambda: [[1, 1], [9, 1], [far, rng.choice([4, far, -far])], [1, 7]],
        "outside": lambda: [[far + 1, far + 1], [far + 9, far + 1], [far + 5, far + 7]],
        "a line": lambda: [[float(n % 12), 3.0] for n in range(count)],
        "a point": lambda: [[3.0, 3.0]] * count,
        "random": lambda: [[rng.uniform(-far, far), rng.uniform(-far, far)] for _ in range(count)],
        "inside": lambda: [[rng.uniform(0, 12), rng.uniform(0, 8)] for _ in range(count)],
        "tiny": lambda: [[3 + 1e-9 * math.cos(t), 3 + 1e-9 * math.sin(t)] for t in turns],
        "star": lambda: [[6 + far * math.cos(2.4 * n), 4 + far * math.sin(2.4 * n)] for n in range(count)],
    }
    return kinds[rng.choice(list(kinds))]()


def number(rng: Random) -> float:
    """Return a coordinate or a length."""
    return rng.choice([*_FAR, *(-far for far in _FAR), 0.0, -0.0, 1e-320, 3.0, 5.0, math.inf, math.nan])


def _coco(root: Path, rng: Random) -> None:
    picture(root / "images" / "a.png", 12, 8)
    side = rng.choice([8, 10**5, 10**9, 2**40])
    shapes: list[Any] = [
        [[c for xy in ring(rng) for c in xy] for _ in range(rng.choice([1, 3]))],
        {"size": [8, 12], "counts": [rng.choice([0, 1, 96, -1, 10**9, 2**40]) for _ in range(rng.choice([1, 2, 9]))]},
        {"size": [side, rng.choice([12, side])], "counts": [side * 12]},
        {"size": [8, 12], "counts": "".join(chr(rng.randint(48, 111)) for _ in range(rng.choice([1, 5, 1000])))},
    ]
    box = [number(rng) for _ in range(4)]
    entries = [
        {"id": n, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": box, "area": 1, "segmentation": shape}
        for n, shape in enumerate(rng.sample(shapes, 2))
    ]
    width, height = rng.choice([(12, 8), (12, 8), (10**6, 10**6), (0, 8), (-12, 8)])
    images = [{"id": 1, "file_name": "a.png", "width": width, "height": height}]
    write(root / "train.json", {"images": images, "annotations": entries, "categories": [{"id": 1, "name": "cell"}]})


def _labelme(root: Path, rng: Random) -> None:
    disc = labelme_content.shape(kind="circle", points=[[number(rng), number(rng)], [number(rng), 4]])
    line = labelme_content.shape(kind=rng.choice(["rectangle", "line"]), points=[[number(rng), 1], [9, number(rng)]])
    labelme_content.add(root, "0", labelme_content.shape(points=ring(rng)), disc, line)


def _yolo(root: Path, rng: Random) -> None:
    write(root / "data.yaml", yolo_content.ULTRALYTICS)
    row = " ".join(f"{c / 12!r}" for xy in ring(rng) for c in xy)
    box = " ".join(str(number(rng)) for _ in range(4))
    for split in ("train", "val"):
        yolo_content.add(root, f"images/{split}", f"labels/{split}", "0", rng.choice([f"0 {row}", f"1 {box}"]))


def _cvat(root: Path, rng: Random) -> None:
    points = ";".join(f"{x!r},{y!r}" for x, y in ring(rng))
    polygon = f'<polygon label="cell" points="{points}"/>'
    x, y, rx, ry = (number(rng) for _ in range(4))
    disc = f'<ellipse label="cell" cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" rotation="{number(rng)}"/>'
    side = rng.choice([3, 10**5, 2**40])
    left = rng.choice([0, -5, 10**9])
    brush = f'<mask label="wall" rle="1, {side}" left="{left}" top="0" width="{side}" height="{side}"/>'
    annotations(root, image(root, "a.jpg", polygon, disc, brush))


def _via(root: Path, rng: Random) -> None:
    xs, ys = zip(*ring(rng), strict=True)
    disc = {
        "name": "ellipse",
        "cx": number(rng),
        "cy": number(rng),
        "rx": number(rng),
        "ry": number(rng),
        "theta": number(rng),
    }
    regions = [
        via_region({"name": "polygon", "all_points_x": xs, "all_points_y": ys}, name="cell"),
        via_region(disc, name="cell"),
    ]
    write(root / "via_region_data.json", entry(root, "a.jpg", *regions))


def _label_studio(root: Path, rng: Random) -> None:
    shapes = (
        region("polygon", points=ring(rng)),
        region("ellipse", x=number(rng), y=number(rng), radiusX=number(rng), radiusY=number(rng), rotation=number(rng)),
        region("rectangle", x=number(rng), y=1, width=number(rng), height=3, rotation=number(rng)),
        region("brush", format="rle", rle=[rng.randrange(256) for _ in range(rng.choice([5, 40]))]),
    )
    write(root / "export.json", [task(root, "a.jpg", *shapes)])


def _supervisely(root: Path, rng: Random) -> None:
    write(root / "meta.json", {"classes": [{"title": "cell", "shape": "polygon"}], "tags": []})
    add(root, "train", "a.jpg", thing(exterior=ring(rng), interior=[ring(rng)]))


def _street(root: Path, rng: Random) -> None:
    annotated.street(root)
    objects = [{"label": "road", "polygon": ring(rng)}]
    name = root / "gtFine/train/ulm/ulm_0_0_gtFine_polygons.json"
    write(name, {"imgHeight": rng.choice([8, 10**6]), "imgWidth": rng.choice([12, 10**6]), "objects": objects})


def _voc(root: Path, rng: Random) -> None:
    annotated.voc_boxes(root)
    corners = "".join(f"<{name}>{number(rng)}</{name}>" for name in ("xmin", "ymin", "xmax", "ymax"))
    text = f"<annotation><object><name>cell</name><bndbox>{corners}</bndbox></object></annotation>"
    write(root / "Annotations" / "0.xml", text)


_FORMATS = {
    "coco": _coco,
    "labelme": _labelme,
    "yolo": _yolo,
    "cvat": _cvat,
    "via": _via,
    "label-studio": _label_studio,
    "supervisely": _supervisely,
    "street": _street,
    "voc-boxes": _voc,
}


def _attempt(group: str, rng: Random, folder: Path) -> str:
    _FORMATS[group](folder / "task", rng)
    return read_as_users_do(folder / "task", folder, rng)


GEOMETRY = Campaign("geometry", tuple(_FORMATS), _attempt, prepare)
