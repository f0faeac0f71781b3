"""Folders as they come out of archives are read, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data import load_task
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, coloured, label_map, photo
from tests.data.formats.test_yolo_exports import pairs
from tests.data.helpers import data_error, save, sizes_of, write

COLOURS = {"leaf": (128, 64, 0), "stem": (0, 0, 192)}


def test_a_data_set_in_its_only_folder(tmp_path: Path) -> None:
    pairs(tmp_path / "plants-1", "train/images", "train/labels", range(3))
    write(tmp_path / "plants-1" / "data.yaml", "train: ../train/images\nnames: [leaf, stem]\n")
    write(tmp_path / "__MACOSX" / "x.txt", "x")
    task = load_task(tmp_path)
    check_scenes(task, {f"a{n}": n for n in range(3)})
    assert task.name == "plants-1" and load_task(**task.source) == task


def test_the_only_other_folder_beside_masks_holds_the_images(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "volume" / f"volume-{n}.png")
        save(tmp_path / "segmentation" / f"segmentation-{n}.png", label_map(n))
    check_scenes(load_task(tmp_path), {f"volume-{n}": n for n in range(3)}, "object")


def test_splits_with_images_and_masks_side_by_side(tmp_path: Path) -> None:
    for split, numbers in (("traincrop", (0, 1, 2)), ("valcrop", (3,)), ("testcrop", (4,))):
        for n in numbers:
            photo(tmp_path / split / f"c{n}.jpg")
            save(tmp_path / split / f"c{n}.png", (label_map(n) > 0).astype(np.uint8) * 255)
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    check_scenes(task, {f"c{n}": n for n in range(5)}, "object", joined=True)


def test_colours_in_the_classes_of_supervisely(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / f"Tile {n}" / "images" / f"part_{n}.jpg")
        save(tmp_path / f"Tile {n}" / "masks" / f"part_{n}.png", coloured(n, COLOURS))
    rows = [{"title": "leaf", "color": "#804000"}, {"title": "stem", "color": "#0000C0"}]
    write(tmp_path / "classes.json", {"classes": rows, "tags": []})
    check_scenes(load_task(tmp_path), {f"part_{n}": n for n in range(4)})


def test_a_white_background_is_an_error_finding(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"{n}.png")
        save(tmp_path / "masks" / f"{n}.png", np.where(label_map(n) > 0, 0, 255).astype(np.uint8))
    (finding,) = [f for f in load_task(tmp_path).findings if f.code == "inverted-masks"]
    assert finding.severity == "error" and finding.count == 4 and "swap" in finding.hint
    for n in range(4):
        save(tmp_path / "masks" / f"{n}.png", np.full((HEIGHT, WIDTH), 255, np.uint8) * (label_map(n) > 0))
    assert "inverted-masks" not in [f.code for f in load_task(tmp_path).findings]


def test_masks_as_arrays_and_brushes_are_named(tmp_path: Path) -> None:
    for n in range(3):
        photo(tmp_path / "arrays" / "images" / f"{n}.png")
        write(tmp_path / "arrays" / "masks" / f"{n}.npy", "x")
        photo(tmp_path / "brushes" / "images" / f"{n}.png")
        mask = (label_map(n) > 0).astype(np.uint8) * 255
        save(tmp_path / "brushes" / "out" / f"task-{n}-annotation-{n}-by-1-tag-leaf-0.png", mask)
    with data_error("NumPy arrays", "0.npy", "PNG"):
        load_task(tmp_path / "arrays")
    with data_error("Label Studio", "export JSON"):
        load_task(tmp_path / "brushes")
