"""Checks of masks: each problem is found, and only that one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samtailor.data import Task
from samtailor.data.task import RECTANGLES
from tests.data.doctor.helpers import COLUMNS, DOT, ROWS, SIDE, codes, disc, finding_of, with_instances

EMPTY, FULL = np.zeros((SIDE, SIDE), dtype=bool), np.ones((SIDE, SIDE), dtype=bool)
LINE = np.asarray((ROWS == 64) & (COLUMNS > 20) & (COLUMNS < 100))
SPECKLES = np.asarray((ROWS % 4 == 0) & (COLUMNS % 20 == 0) & (ROWS < 60))


@pytest.mark.parametrize(
    ("code", "mask"),
    [
        ("empty-mask", EMPTY),
        ("full-mask", FULL),
        ("same-mask", disc(30, 30)),
        ("small", DOT),
        ("thin", LINE),
        ("speckles", SPECKLES),
    ],
)
def test_one_bad_mask_is_found_unless_it_is_a_crowd_region(clean: Task, code: str, mask: np.ndarray) -> None:
    task = with_instances(clean, mask)
    finding = finding_of(task, code)
    assert (finding.count, finding.files) == (1, (str(clean.split("train")[0].path),))
    assert codes(task) == [code]
    assert codes(with_instances(clean, mask, crowd=True)) == []


def test_equal_masks_of_two_classes_are_counted(clean: Task) -> None:
    what = finding_of(with_instances(clean, disc(30, 30), label="ring"), "same-mask").what
    assert "1 mask " in what and "1 of another class" in what


def test_a_note_about_many_instances_is_a_warning(clean: Task) -> None:
    assert finding_of(with_instances(clean, DOT), "small").severity == "note"
    many = [np.roll(DOT, 4 * k, axis=0) for k in range(15)]
    assert finding_of(with_instances(clean, *many), "small").severity == "warning"


def test_masks_that_fill_their_boxes_are_found(clean: Task) -> None:
    rectangles = [np.pad(np.ones((30, 20), dtype=bool), ((5 * k, 98 - 5 * k), (60, 48))) for k in range(5)]
    assert codes(with_instances(clean, *rectangles[:4], label="ring")) == [], "too few to tell"
    boxed = replace(with_instances(clean, *rectangles, label="sign"), classes=("disc", "ring", "sign"))
    finding = finding_of(boxed, "boxes")
    assert (finding.count, finding.severity) == (5, "warning") and "sign 5 of 5" in finding.what


def test_slanted_boxes_are_not_found(clean: Task) -> None:
    slanted = [(abs(ROWS - 60 + (COLUMNS - 60) // 6) < 10 + k) & (abs(COLUMNS - 60) < 30) for k in range(5)]
    task = replace(with_instances(clean, *slanted, label="sign"), classes=("disc", "ring", "sign"))
    assert "boxes" not in codes(task)


def test_boxes_that_were_filled_on_reading_are_found(clean: Task) -> None:
    everything = finding_of(replace(clean, format=f"yolo, {RECTANGLES}"), "boxes")
    assert everything.count == 90 and everything.what.startswith("All 90 masks")
    some = finding_of(replace(clean, format=f"yolo, 7 of 90 instances are {RECTANGLES}"), "boxes")
    assert some.what.startswith("7 of 90 masks")
