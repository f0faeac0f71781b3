"""Files of masks: label pictures, overlays and JSON, built mask by mask."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from samtailor.errors import DataError, SamtailorError
from samtailor.prompts import Prompts
from samtailor.report.mask_files import LabelMap, Overlay, best_masks
from samtailor.report.mask_json import MaskJson, mask_record


@given(st.integers(0, 99), st.integers(1, 6))
def test_the_smaller_mask_is_on_top_in_any_order(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    masks = rng.random((count, 6, 8)) < rng.random((count, 1, 1))
    expected = np.zeros((6, 8), np.uint8)
    for place in sorted(range(count), key=lambda i: (-masks[i].sum(), i)):  # of equal ones, the last is on top
        expected[masks[place]] = place + 1
    labels = LabelMap(6, 8, count)
    for place in rng.permutation(count).tolist():
        labels.add(place, masks[place])
    np.testing.assert_array_equal(labels._labels, expected)


def test_more_than_255_labels_take_16_bits(tmp_path: Path) -> None:
    labels = LabelMap(2, 3, 300)
    mask = np.zeros((2, 3), bool)
    mask[1, 2] = True
    labels.add(299, mask)
    labels.write(tmp_path / "l.png")
    assert np.asarray(Image.open(tmp_path / "l.png")).tolist() == [[0, 0, 0], [0, 0, 300]]
    with pytest.raises(SamtailorError, match="70000 prompts"):
        LabelMap(2, 3, 70_000)


def test_withheld_estimates_are_never_the_best() -> None:
    iou = np.array([[np.nan, 0.2, 0.4], [0.9, np.nan, 0.1]], np.float32)
    assert best_masks(iou).tolist() == [2, 0]


def test_an_overlay_of_a_large_picture_is_shrunk_with_its_prompts(tmp_path: Path) -> None:
    pixels, mask = np.full((2000, 3000, 3), 90, np.uint8), np.zeros((2000, 3000), bool)
    mask[500:1000, 600:1200] = True
    overlay = Overlay(pixels, 1500)
    overlay.add(0, mask)
    overlay.write(tmp_path / "o.png", [Prompts(boxes=np.array([[2000, 200, 2800, 1800]], np.float32))])
    drawn = np.asarray(Image.open(tmp_path / "o.png")).astype(int)
    assert drawn.shape == (1000, 1500, 3)
    changed = np.argwhere((drawn != 90).any(axis=2))
    left, right = changed[changed[:, 1] < 800], changed[changed[:, 1] > 800]
    assert abs(left.min(axis=0) - [250, 300]).max() < 10 and abs(left.max(axis=0) - [500, 600]).max() < 10
    assert abs(right.min(axis=0) - [100, 1000]).max() < 10 and abs(right.max(axis=0) - [900, 1400]).max() < 10


def test_masks_are_the_same_after_reading_the_json(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((7, 9)) > 0.5
    for form in ("coco", "rle"):
        file = MaskJson(tmp_path / f"{form}.json", form, {"cat": 5})  # type: ignore[arg-type]
        rows = [mask_record(1, mask, 0.5, file.category("dog")), mask_record(0, ~mask, 0.25, file.category("cat"))]
        file.add("a.png", (9, 7), rows)
        file.write()
        first = (tmp_path / f"{form}.json").read_text()
        again = MaskJson(tmp_path / f"{form}.json", form, {"cat": 5})  # type: ignore[arg-type]
        assert "a.png" in again and "b.png" not in again
        again.write()
        assert (tmp_path / f"{form}.json").read_text() == first
        content = json.loads(first)
        found = content["annotations"] if form == "coco" else content
        assert [(row["prompt"], row["score"], row["category_id"]) for row in found] == [(0, 0.25, 5), (1, 0.5, 6)]
        np.testing.assert_array_equal(coco_mask.decode(found[1]["segmentation"]) > 0, mask)
        assert found[1]["area"] == mask.sum()


def test_ids_of_a_file_of_prompts_are_kept_and_stay_unique(tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    first = MaskJson(path, "coco")
    first.add("old.png", (4, 4), [])
    first.write()
    second = MaskJson(path, "coco")
    second.add("new.png", (4, 4), [], image_id=1)
    second.add("other.png", (4, 4), [])
    second.write()
    ids = {image["file_name"]: image["id"] for image in json.loads(path.read_text())["images"]}
    assert ids == {"new.png": 1, "old.png": 2, "other.png": 3}


@pytest.mark.parametrize("content", ["", "[", "{}", "[1]", '{"images": [1], "annotations": [], "categories": []}'])
def test_another_file_in_its_place_is_not_overwritten(tmp_path: Path, content: str) -> None:
    (tmp_path / "coco.json").write_text(content)
    with pytest.raises(DataError, match="is not a file that predict"):
        MaskJson(tmp_path / "coco.json", "coco")
    assert (tmp_path / "coco.json").read_text() == content
