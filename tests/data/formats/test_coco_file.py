"""One COCO file: all kinds of masks are read, and every error names the file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import read_coco
from tests.data.formats.coco_content import MASK, content, plain_counts, save_task, text_rle
from tests.data.helpers import data_error


def test_rle_and_polygons_give_the_same_mask(tmp_path: Path) -> None:
    data = content()
    segmentations = [
        text_rle(MASK),
        {"size": [6, 8], "counts": plain_counts(MASK)},
        [[2, 1, 7, 1, 7, 4, 2, 4]],
        [[2, 1, 4, 1, 4, 4, 2, 4], [4, 1, 7, 1, 7, 4, 4, 4]],
    ]
    first = data["annotations"][0]
    data["annotations"] = [{**first, "id": 10 + n, "segmentation": s} for n, s in enumerate(segmentations)]
    data["annotations"][1]["iscrowd"] = 1
    data["info"] = {"description": "cells, converted by samtailor"}  # such files keep equal masks
    task = read_coco(save_task(tmp_path / "cells", data))
    (record,) = task.split("train")
    assert (task.name, task.classes, task.format) == ("cells", ("cell",), "COCO json")
    assert (record.width, record.height, record.path.name) == (8, 6, "a.png")
    assert [instance.id for instance in record.instances] == [10, 11, 12, 13]
    assert [instance.crowd for instance in record.instances] == [False, True, False, False]
    for instance in record.instances:
        assert (instance.mask() == MASK).all() and instance.area == 15 and instance.label == "cell"
    assert len(record.promptable) == 3


def edit(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return a valid file after a change."""
    data = content()
    change(data)
    return data


def annotation(**values: Any) -> dict[str, Any]:
    return edit(lambda data: data["annotations"][0].update(values))


def image(**values: Any) -> dict[str, Any]:
    return edit(lambda data: data["images"][0].update(values))


def mask(segmentation: Any) -> dict[str, Any]:
    return annotation(segmentation=segmentation)


def bare(**values: Any) -> dict[str, Any]:
    """Return a file whose masks are polygons, so that nothing but the image entry states a size."""
    data = content([[2, 1, 7, 1, 7, 4, 2, 4]])
    data["images"][0].update(values)
    return data


FAULTS = {
    "without images": edit(lambda data: data.pop("images")),
    "annotations' is missing": {"images": [], "x": {"annotations": []}},
    "annotation 5: has the image_id 99": annotation(image_id=99),
    "annotation 5: has the image_id [1]": annotation(image_id=[1]),
    "annotation 5: has no image_id": edit(lambda data: data["annotations"][0].pop("image_id")),
    "annotation 5 on 'a.png': has the category_id 98": annotation(category_id=98),
    "has iscrowd 2": annotation(iscrowd=2),
    "image number 0: has no id": edit(lambda data: data["images"][0].pop("id")),
    "image number 0: has the id True": image(id=True),
    "image number 0: is 7": edit(lambda data: data.update(images=[7])),
    "two images have the id 3": edit(lambda data: data["images"].append({**data["images"][0], "file_name": "b.png"})),
    "category 2 has the name None": edit(lambda data: data["categories"][0].update(name=None)),
    "two categories have the id 2": edit(lambda data: data["categories"].append({"id": "2", "name": "wall"})),
    "category number 0 is 'cell'": edit(lambda data: data.update(categories=["cell"])),
    "image 3: has the file name 7": image(file_name=7),
    "states 9 x 6 pixels": bare(width=9),
    "states the size 'wide' x 6": bare(width="wide"),
    "sides are swapped": bare(width=6, height=8),
    "has size [8, 6]": mask({"size": [8, 6], "counts": plain_counts(MASK)}),
    "covers 47 pixels; expected 6 x 8 = 48": mask({"size": [6, 8], "counts": [47]}),
    "covers 48 pixels": mask({"size": [6, 8], "counts": [-1, 49]}),
    "not whole numbers": mask({"size": [6, 8], "counts": [1.5, 46.5]}),
    "counts of type NoneType": mask({"size": [6, 8], "counts": None}),
    "ends in the middle of a number": mask({"size": [6, 8], "counts": "o"}),
    "invalid characters": mask({"size": [6, 8], "counts": "  "}),
    "too large for an image": mask({"size": [6, 8], "counts": "oooooooo0"}),
    "none of the 1 annotations has a mask": edit(lambda data: data["annotations"][0].update(segmentation=[])),
    "is a int": mask(7),
    "has 4 numbers": mask([[1, 1, 2, 2]]),
    "has 7 numbers": mask([[1, 1, 2, 2, 3, 3, 4]]),
    "not a list of numbers": mask([[1, 1, 2, "2", 3, 3]]),
    "coordinate nan": mask([[1, 1, 2, 2, 3, math.nan]]),
    "coordinate 1e+30": mask([[1, 1, 2, 2, 3, 1e30]]),
    "the text 'oops'": mask("oops"),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_errors_name_the_file_and_the_cause(tmp_path: Path, cause: str) -> None:
    save_task(tmp_path, content())
    (tmp_path / "train.json").write_text(json.dumps(FAULTS[cause]))
    with data_error(tmp_path / "train.json", cause):
        read_coco(tmp_path)


def test_an_annotation_with_a_box_alone_gets_the_hint_about_boxes(tmp_path: Path) -> None:
    save_task(tmp_path, annotation(segmentation=[], bbox=[1, 1, 2, 2]))
    with data_error("--boxes-as-masks"):
        read_coco(tmp_path)


def test_missing_images_are_listed(tmp_path: Path) -> None:
    data = content()
    data["images"] += [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 6} for n in (7, 8)]
    save_task(tmp_path, data)
    for name in ("7.png", "8.png"):
        (tmp_path / "images" / name).unlink()
    with data_error("2 of 4 entries", f"the image file {tmp_path / 'images' / '7.png'} is missing", "skip_broken=True"):
        read_coco(tmp_path)


def test_a_damaged_image_is_an_error(tmp_path: Path) -> None:
    save_task(tmp_path, content())
    (tmp_path / "images" / "a.png").write_text("no picture")
    with data_error(tmp_path / "train.json", "a.png is damaged"):
        read_coco(tmp_path)
