"""Label maps: values are instances, or classes if classes.json names them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from samtailor.data.formats.label_maps import read_classes, read_label_map
from tests.data.helpers import data_error, save, write

LABELS = np.array([[0, 0, 1, 1], [0, 7, 7, 1], [2, 2, 0, 0]], dtype=np.uint8)


def masks_in(path: Path, classes: dict[int, str] | None) -> dict[int, tuple[str, int]]:
    """Return value -> (class name, area)."""
    masks = read_label_map(path, "a.jpg", 4, 3, classes)
    return {value: (name, area) for value, (name, _, area) in masks.items()}


def test_each_value_is_an_instance_without_classes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.where(LABELS == 0, 255, LABELS))
    assert masks_in(path, None) == {1: ("object", 3), 2: ("object", 2), 7: ("object", 2), 255: ("object", 5)}


def test_each_value_is_a_class_with_classes_and_255_is_void(tmp_path: Path) -> None:
    labels = LABELS.copy()
    labels[0, 0] = 255
    path = save(tmp_path / "a.png", labels)
    classes = {1: "cell", 2: "gap", 7: "wall"}
    assert masks_in(path, classes) == {1: ("cell", 3), 2: ("gap", 2), 7: ("wall", 2)}
    assert masks_in(path, classes | {255: "edge"})[255] == ("edge", 1)
    with data_error(f"Mask {path} has the value 7 (2 pixels)", "1 cell, 2 gap"):
        masks_in(path, {1: "cell", 2: "gap"})


def test_a_mask_of_another_size_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", LABELS[:2])
    with data_error(f"Mask {path} has 4 x 2 pixels (width x height), but its image a.jpg has 4 x 3"):
        masks_in(path, None)


def test_classes_are_sorted_by_value_and_0_is_background(tmp_path: Path) -> None:
    path = write(tmp_path / "classes.json", {"7": " wall ", "0": "background", "1": "cell"})
    assert list((read_classes(path) or {}).items()) == [(1, "cell"), (7, "wall")]
    assert read_classes(tmp_path / "absent.json") is None


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ([1], "holds a JSON list; expected an object of mask values and class names"),
        ({}, "names no class"),
        ({"0": "a"}, "names no class"),
        ({"x": "a"}, "the mask value 'x'"),
        ({"70000": "a"}, "the mask value '70000'"),
        ({"1": "a", "01": "b"}, "the mask value '01'"),
        ({"1": 2}, "the class name 2"),
        ({"1": "a", "2": "a"}, "the class name 'a'"),
    ],
)
def test_bad_classes_are_errors(tmp_path: Path, content: object, cause: str) -> None:
    path = write(tmp_path / "classes.json", json.dumps(content))
    with data_error(path, cause, 'Write it like {"1": "cell", "2": "wall"}'):
        read_classes(path)
