"""Drafts become a task: ids from positions, and a note about filled boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samtailor.data import RECTANGLES
from samtailor.data.formats.drafts import Draft, LabelledMask, draft_labels, split_drafts, task_from_drafts
from samtailor.data.pixels.rle import mask_rle
from tests.data.helpers import sizes_of

MASK = LabelledMask("cell", mask_rle(np.ones((2, 3), dtype=bool)), 6)


def draft(name: str, masks: int = 2, boxes: int = 0) -> Draft:
    return Draft(Path("/t") / name, 3, 2, (MASK,) * masks, boxes)


def test_ids_come_from_the_positions_of_image_and_mask() -> None:
    task = task_from_drafts(Path("/t"), "made up", ["cell"], {"train": [draft("a.png"), draft("b.png")]})
    assert [[i.id for i in record.instances] for record in task.images] == [[0, 1], [65536, 65537]]
    assert (task.name, task.classes) == ("t", ("cell",)) and draft_labels([draft("a.png")]) == {"cell"}


@pytest.mark.parametrize(
    ("boxes", "note"),
    [(0, ""), (1, f", 1 of 4 instances are {RECTANGLES}"), (2, f", 2 of 4 instances are {RECTANGLES}")],
)
def test_the_format_counts_filled_boxes(boxes: int, note: str) -> None:
    drafts = {"train": [draft("a.png", boxes=boxes)], "val": [draft("b.png")]}
    assert task_from_drafts(Path("/t"), "made up", [], drafts).format == "made up" + note


def test_the_format_says_if_all_masks_are_filled_boxes() -> None:
    assert task_from_drafts(Path("/t"), "made up", [], {"train": [draft("a", 2, 2)]}).format == f"made up, {RECTANGLES}"


def test_drafts_are_split_by_path_without_suffix() -> None:
    drafts = [draft(f"{n}.png") for n in range(20)]
    splits = split_drafts(drafts, Path("/t"), 0)
    task = task_from_drafts(Path("/t"), "made up", [], splits)
    assert sum(sizes_of(task).values()) == 20 and all(sizes_of(task).values())
    renamed = split_drafts([draft(f"{n}.jpg") for n in range(20)], Path("/t"), 0)
    assert {s: [d.path.stem for d in ds] for s, ds in renamed.items()} == {
        s: [d.path.stem for d in ds] for s, ds in splits.items()
    }
