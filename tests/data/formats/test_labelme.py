"""LabelMe: json files in folders of splits, or anywhere below the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data import RECTANGLES, load_task, read_labelme
from tests.data.formats.labelme_content import add, png, shape
from tests.data.helpers import check_round_trip, data_error, masks_of, write


def test_every_kind_of_shape_is_read(tmp_path: Path) -> None:
    cut = np.array([[True, False, True], [True, True, True]])
    add(
        tmp_path / "train",
        "a",
        shape(),
        shape("wall", "rectangle", [[9, 6], [1, 2]]),
        shape("disc", "circle", [[6.0, 4.0], [6.0, 6.0]]),
        shape("stamp", "mask", [[8.0, 5.0], [10.0, 6.0]], mask=png(cut)),
        shape("nose", "point", [[3, 3]]),
        shape("edge", "linestrip", [[0, 0], [4, 4], [8, 0]]),
        shape("_background_"),
    )
    task = load_task(tmp_path)
    masks = dict(masks_of(task))
    expected = {name: np.zeros((8, 12), dtype=bool) for name in ("cell", "wall", "stamp")}
    expected["cell"][1:4, 2:7] = True
    expected["wall"][2:6, 1:9] = True
    expected["stamp"][5:7, 8:11] = cut
    assert task.classes == ("cell", "disc", "stamp", "wall")
    assert all((masks[name] == mask).all() for name, mask in expected.items())
    assert masks["disc"].sum() == 12 and masks["disc"][2:6, 4:8].sum() == 12  # pixel centres within two pixels
    assert task.format == f"LabelMe json, 1 of 4 instances are {RECTANGLES}, 2 points and lines left out"
    check_round_trip(task, tmp_path / "out")


def test_shapes_with_the_same_label_and_group_id_are_one_instance(tmp_path: Path) -> None:
    far = [[9.0, 5.0], [11.0, 5.0], [11.0, 7.0], [9.0, 7.0]]
    shapes = [shape(group_id=1), shape(points=far, group_id=1), shape("wall", points=far, group_id=1), shape()]
    add(tmp_path / "train", "a", *shapes)
    masks = masks_of(load_task(tmp_path))
    assert [(label, int(mask.sum())) for label, mask in masks] == [("cell", 19), ("wall", 4), ("cell", 15)]


def test_files_without_folders_of_splits_are_split_by_name(tmp_path: Path) -> None:
    for n in range(20):
        add(tmp_path / "cells" / f"slide{n % 4}", f"{n}", shape(points=[[2.0, 1.0], [7.0, 1.0], [5.0, 7.0]]))
    write(tmp_path / "cells" / "notes.json", {"by": "me"})
    task = load_task(tmp_path / "cells")
    assert task.format == "LabelMe json, split 70/10/20 by file name (seed 0)"
    assert len(task.images) == 20 and all(task.splits.values())
    check_round_trip(task, tmp_path / "out")


def test_other_json_files_are_ignored(tmp_path: Path) -> None:
    add(tmp_path, "a", shape())
    before = read_labelme(tmp_path)
    write(tmp_path / "classes.json", '["c", "d"]')
    write(tmp_path / ".hidden" / "b.json", "{")
    assert read_labelme(tmp_path) == before


def test_rectangles_alone_are_an_error_unless_allowed(tmp_path: Path) -> None:
    add(tmp_path / "train", "a", shape("car", "rectangle", [[1, 1], [4, 3]]))
    with data_error("are rectangles", "--boxes-as-masks"):
        load_task(tmp_path)
    task = load_task(tmp_path, boxes_as_masks=True)
    assert task.format.endswith(RECTANGLES) and masks_of(task)[0][1].sum() == 6


def test_folders_of_splits_may_have_other_usual_names(tmp_path: Path) -> None:
    for folder in ("train", "Validation", "testing"):
        add(tmp_path / folder, "a", shape())
    add(tmp_path / "later", "b", shape())
    task = load_task(tmp_path)
    assert list(task.splits) == ["train", "val", "test"]
    assert [(finding.code, finding.count) for finding in task.findings] == [("no-split", 1)]


def test_broken_json_is_an_error(tmp_path: Path) -> None:
    path = add(tmp_path / "train", "a", shape())
    write(path, '{"shapes": [')
    with data_error("a.json: it is not JSON"):
        load_task(tmp_path, format="labelme")
