"""COCO files: masks come back as they were written, and each fault is named with its file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pycocotools import mask as coco_mask

from samtailor.data import load_task, read_coco
from samtailor.data.pixels import rle
from samtailor.data.splits import split_by_name
from samtailor.errors import DataError

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
MASK = np.zeros((6, 8), dtype=bool)
MASK[1:4, 2:7] = True


def plain_counts(mask: np.ndarray) -> list[int]:
    flat = [False, *mask.ravel(order="F").tolist()]
    counts, current = [0], False
    for value in flat[1:]:
        if value != current:
            counts.append(0)
            current = value
        counts[-1] += 1
    return counts


def text_rle(mask: np.ndarray) -> dict[str, Any]:
    made = rle.mask_rle(mask)
    return {"size": list(mask.shape), "counts": made["counts"].decode()}


def content(segmentation: Any = None, size: tuple[int, int] = (8, 6)) -> dict[str, Any]:
    """One image with one annotation; size is (width, height)."""
    return {
        "images": [{"id": 3, "file_name": "a.png", "width": size[0], "height": size[1]}],
        "annotations": [
            {"id": 5, "image_id": 3, "category_id": 2, "segmentation": segmentation or text_rle(MASK), "iscrowd": 0}
        ],
        "categories": [{"id": 2, "name": "cell"}],
    }


def write(root: Path, data: dict[str, Any], name: str = "train.json", size: tuple[int, int] = (8, 6)) -> Path:
    (root / "images").mkdir(parents=True, exist_ok=True)
    for image in data["images"]:
        path = root / "images" / image["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(data))
    return root


@given(MASKS)
def test_run_lengths_are_read_back(mask: np.ndarray) -> None:
    height, width = mask.shape
    for counts in (text_rle(mask)["counts"], plain_counts(mask)):
        made, area = rle.rle_from_counts(counts, height, width)
        assert (coco_mask.decode(made) == mask).all()
        assert area == mask.sum()


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=12))
def test_long_runs_are_read_back(counts: list[int]) -> None:
    made, area = rle.rle_from_counts(counts, sum(counts), 1)
    again, same_area = rle.rle_from_counts(made["counts"], sum(counts), 1)
    assert again == made and area == same_area == sum(counts[1::2])


@given(st.binary(max_size=12))
def test_damaged_run_lengths_never_reach_the_decoder(text: bytes) -> None:
    try:
        made, area = rle.rle_from_counts(text, 5, 4)
    except ValueError:
        return
    assert coco_mask.decode(made).sum() == area


@given(st.integers(-3, 9), st.integers(-3, 7), st.integers(1, 9), st.integers(1, 9))
def test_rectangles_are_clipped_to_the_image(left: int, top: int, width: int, height: int) -> None:
    right, bottom = left + width, top + height
    made, area = rle.polygons_rle([[left, top, right, top, right, bottom, left, bottom]], 6, 8)
    expected = np.zeros((6, 8), dtype=bool)
    expected[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    assert (coco_mask.decode(made) == expected).all()
    assert area == expected.sum()


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 5)))
def test_label_maps_are_taken_apart(labels: np.ndarray) -> None:
    found = rle.label_rles(labels)
    assert list(found) == [value for value in np.unique(labels).tolist() if value]
    for value, (made, area) in found.items():
        assert (coco_mask.decode(made) == (labels == value)).all()
        assert area == (labels == value).sum()


def test_all_kinds_of_masks_in_a_file(tmp_path: Path) -> None:
    data = content()
    kinds = [
        text_rle(MASK),
        {"size": [6, 8], "counts": plain_counts(MASK)},
        [[2, 1, 7, 1, 7, 4, 2, 4]],
        [[2, 1, 4, 1, 4, 4, 2, 4], [4, 1, 7, 1, 7, 4, 4, 4]],
    ]
    first = data["annotations"][0]
    data["annotations"] = [{**first, "id": 10 + n, "segmentation": kind} for n, kind in enumerate(kinds)]
    data["annotations"][1]["iscrowd"] = 1
    task = read_coco(write(tmp_path / "cells", data))
    (record,) = task.split("train")
    assert (task.name, task.classes, task.format) == ("cells", ("cell",), "COCO json")
    assert (record.width, record.height, record.path.name) == (8, 6, "a.png")
    assert [instance.id for instance in record.instances] == [10, 11, 12, 13]
    assert [instance.crowd for instance in record.instances] == [False, True, False, False]
    for instance in record.instances:
        assert (instance.mask() == MASK).all() and instance.area == 15 and instance.label == "cell"
    assert len(record.promptable) == 3


def test_layouts(tmp_path: Path) -> None:
    data = content()
    below = write(tmp_path / "below", data, "annotations/val.json")
    assert list(read_coco(below).splits) == ["val"]
    assert list(read_coco(below / "annotations" / "val.json").splits) == ["val"]
    nested = content()
    nested["images"][0]["file_name"] = "x\\b.png"
    write(tmp_path / "nested", content())
    (tmp_path / "nested" / "images" / "train" / "x").mkdir(parents=True)
    (tmp_path / "nested" / "images" / "a.png").rename(tmp_path / "nested" / "images" / "train" / "x" / "b.png")
    (tmp_path / "nested" / "train.json").write_text(json.dumps(nested))
    assert read_coco(tmp_path / "nested").split("train")[0].path.parts[-3:] == ("train", "x", "b.png")


def test_images_without_annotations_stay(tmp_path: Path) -> None:
    data = content()
    data["images"].append({"id": 4, "file_name": "empty.png", "width": 8, "height": 6})
    data["categories"].append({"id": 1, "name": "wall"})
    task = read_coco(write(tmp_path, data))
    assert [len(record.instances) for record in task.split("train")] == [1, 0]
    assert task.classes == ("wall", "cell")


def test_one_file_without_splits_is_split_by_name(tmp_path: Path) -> None:
    data = content()
    data["images"] = [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 6} for n in range(40)]
    write(tmp_path, data, "result.json")
    task = load_task(tmp_path / "result.json")
    assert "70/10/20" in task.format
    assert sum(len(records) for records in task.splits.values()) == 40
    assert all(task.splits.values())
    with pytest.raises(DataError, match=r"result\.json"):
        load_task(tmp_path)


@given(st.sets(st.text(max_size=5), max_size=30), st.integers(0, 3))
def test_splits_by_name_are_stable_and_full(names: set[str], seed: int) -> None:
    chosen = split_by_name(names, seed)
    assert chosen.keys() == names
    assert len(set(chosen.values())) == min(len(names), 3) or len(names) > 3
    if len(names) >= 3:
        assert set(chosen.values()) == {"train", "val", "test"}
    assert split_by_name(sorted(names, reverse=True), seed) == chosen


def test_splits_by_name_keep_their_shares_and_members() -> None:
    names = [f"image-{n}" for n in range(2000)]
    many, few = split_by_name(names), split_by_name(names[:1000])
    assert all(many[name] == split for name, split in few.items())
    shares = [list(many.values()).count(split) / 2000 for split in ("train", "val", "test")]
    assert all(math.isclose(share, wanted, abs_tol=0.03) for share, wanted in zip(shares, (0.7, 0.1, 0.2), strict=True))


def edit(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = content()
    change(data)
    return data


def annotation(**values: Any) -> dict[str, Any]:
    return edit(lambda data: data["annotations"][0].update(values))


def image(**values: Any) -> dict[str, Any]:
    return edit(lambda data: data["images"][0].update(values))


def mask(segmentation: Any) -> dict[str, Any]:
    return annotation(segmentation=segmentation)


FAULTS = {
    "images' is missing": edit(lambda data: data.pop("images")) or {},
    "annotations' is a dict": edit(lambda data: data.update(annotations={})),
    "annotation number 0 (id 5) has no segmentation": edit(lambda data: data["annotations"][0].pop("segmentation")),
    "image number 0 (id None) has no id": edit(lambda data: data["images"][0].pop("id")),
    "image number 1 is a JSON int": edit(lambda data: data["images"].append(7)),
    "kind annotation have the id 5": edit(lambda data: data["annotations"].append(data["annotations"][0])),
    "kind image have the id 3": edit(lambda data: data["images"].append(data["images"][0])),
    "are the same file": edit(lambda data: data["images"].append({**data["images"][0], "id": 4})),
    "points at image 99": annotation(image_id=99),
    "points at image [1]": annotation(image_id=[1]),
    "points at category 98": annotation(category_id=98),
    "iscrowd 2": annotation(iscrowd=2),
    "has the id 'x'": annotation(id="x"),
    "has the id -1": annotation(id=-1),
    "category 2 has the name None": edit(lambda data: data["categories"][0].update(name=None)),
    "the file name '../a.png'": image(file_name="../a.png"),
    "the file name '/a.png'": image(file_name="/a.png"),
    "the file name 7": image(file_name=7),
    "has 9 x 6 pixels": image(width=9),
    "sides are swapped": image(width=6, height=8),
    "has size [8, 6]": mask({"size": [8, 6], "counts": plain_counts(MASK)}),
    "covers 47 pixels; expected 6 x 8 = 48": mask({"size": [6, 8], "counts": [47]}),
    "covers 48 pixels": mask({"size": [6, 8], "counts": [-1, 49]}),
    "no whole numbers": mask({"size": [6, 8], "counts": [1.5, 46.5]}),
    "counts of type NoneType": mask({"size": [6, 8], "counts": None}),
    "breaks off": mask({"size": [6, 8], "counts": "o"}),
    "characters that do not belong": mask({"size": [6, 8], "counts": "  "}),
    "too large for an image": mask({"size": [6, 8], "counts": "oooooooo0"}),
    "boxes alone do not make masks": edit(lambda data: data["annotations"][0].update(segmentation=[])),
    "is a int": mask(7),
    "has 4 numbers": mask([[1, 1, 2, 2]]),
    "has 7 numbers": mask([[1, 1, 2, 2, 3, 3, 4]]),
    "not a list of numbers": mask([1, 1, 2, 2, 3, 3]),
    "coordinate nan": mask([[1, 1, 2, 2, 3, math.nan]]),
    "coordinate 1e+30": mask([[1, 1, 2, 2, 3, 1e30]]),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_faults_are_named_with_their_file(tmp_path: Path, cause: str) -> None:
    write(tmp_path, content())
    (tmp_path / "train.json").write_text(json.dumps(FAULTS[cause]))
    with pytest.raises(DataError) as caught:
        read_coco(tmp_path)
    assert cause in str(caught.value)
    assert str(tmp_path / "train.json") in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff\xfe", "[" * 100_000])
def test_files_that_are_not_json_objects(tmp_path: Path, text: str) -> None:
    (tmp_path / "val.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"val\.json"):
        read_coco(tmp_path)


def test_missing_and_damaged_images_are_named(tmp_path: Path) -> None:
    data = content()
    data["images"] += [{"id": n, "file_name": f"{n}.png", "width": 8, "height": 6} for n in (7, 8)]
    write(tmp_path, data)
    (tmp_path / "images" / "7.png").unlink()
    (tmp_path / "images" / "8.png").unlink()
    with pytest.raises(DataError, match=r"2 of 3 image files are missing, the first is .*images.7\.png"):
        read_coco(tmp_path)
    write(tmp_path, data)
    (tmp_path / "images" / "8.png").write_text("no picture")
    with pytest.raises(DataError, match=r"train\.json.*8\.png is damaged"):
        read_coco(tmp_path)


def test_folders_without_proper_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.json"):
        read_coco(tmp_path)
    write(tmp_path, content())
    (tmp_path / "valid.json").write_text("{}")
    with pytest.raises(DataError, match=r"valid\.json is no split.*Name it .*val\.json"):
        read_coco(tmp_path)


def test_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_coco(write(tmp_path, content()))
    assert capsys.readouterr() == ("", "")
