"""Folders of images and masks: pairs by stem, in folders of splits or split by stem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data import load_task, read_folders
from tests.data.helpers import data_error, save, write

LABELS = np.array([[0, 0, 1, 1], [0, 7, 7, 1], [2, 2, 0, 0]], dtype=np.uint8)


def add(root: Path, stem: str, labels: np.ndarray = LABELS, split: str = "train") -> tuple[Path, Path]:
    """Save an image and its mask."""
    picture = save(root / split / "images" / f"{stem}.png", np.zeros(labels.shape, dtype=np.uint8))
    return picture, save(root / split / "masks" / f"{stem}.png", labels)


def test_ids_come_from_the_image_and_the_value(tmp_path: Path) -> None:
    add(tmp_path, "b")
    add(tmp_path, "a", (LABELS > 0) * np.uint8(255))
    task = read_folders(tmp_path)
    first, second = task.split("train")
    assert task.classes == ("object",) and task.format == "image and mask folders, one instance per value"
    assert (first.path.name, first.width, first.height) == ("a.png", 4, 3)
    assert [(i.id, i.area) for i in first.instances] == [(255, 7)]
    assert [(i.id - 65536, i.area) for i in second.instances] == [(1, 3), (2, 2), (7, 2)]
    assert all((i.mask() == (i.id - 65536 == LABELS)).all() for i in second.instances)


def test_classes_json_makes_one_instance_per_class(tmp_path: Path) -> None:
    write(tmp_path / "classes.json", {"7": "wall", "0": "background", "1": "cell", "2": "gap"})
    add(tmp_path, "a")
    task = read_folders(tmp_path)
    assert task.classes == ("cell", "gap", "wall") and "one class per value" in task.format
    instances = task.split("train")[0].instances
    assert [(i.label, i.area) for i in instances] == [("cell", 3), ("gap", 2), ("wall", 2)]


def test_flat_folders_are_split_by_stem_and_keep_their_split(tmp_path: Path) -> None:
    for n in range(20):
        add(tmp_path, f"{n}", split=".")
    task = load_task(tmp_path)
    assert "split 70/10/20 by file stem (seed 0)" in task.format and all(task.splits.values())
    before = {record.path.stem: split for split, records in task.splits.items() for record in records}
    for n in range(20, 25):
        add(tmp_path, f"{n}", split=".")
    after = {record.path.stem: split for split, records in load_task(tmp_path).splits.items() for record in records}
    assert before.items() <= after.items()


def test_an_image_and_its_mask_may_have_different_suffixes(tmp_path: Path) -> None:
    picture, mask = add(tmp_path, "a")
    Image.open(picture).save(picture.with_suffix(".JPG"), "JPEG")
    Image.open(mask).save(mask.with_suffix(".TIF"), "TIFF")
    picture.unlink()
    mask.unlink()
    assert [record.path.name for record in read_folders(tmp_path).split("train")] == ["a.JPG"]


def test_images_without_masks_are_left_out_and_listed(tmp_path: Path) -> None:
    for name in "cdefghijklmn":
        add(tmp_path, name)
    _, mask = add(tmp_path, "a[1]")
    mask.unlink()
    task = load_task(tmp_path)
    assert sum(len(images) for images in task.splits.values()) == 12
    found = {finding.code: finding for finding in task.findings}["broken-entries"]
    assert found.count == 1 and found.severity == "warning"
    assert any("a[1]" in file for file in found.files)


def test_many_images_without_masks_are_an_error(tmp_path: Path) -> None:
    for name in "abcdefgh":
        _, mask = add(tmp_path, name)
        if name > "d":
            mask.unlink()
    with data_error("4 of 8", "e.png"):
        load_task(tmp_path)


def test_a_task_of_damaged_images_is_an_error(tmp_path: Path) -> None:
    picture, _ = add(tmp_path, "a")
    picture.write_bytes(b"no picture")
    with data_error("a.png is damaged"):
        load_task(tmp_path)


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with data_error("No image and mask folders", "it holds no pictures"):
        read_folders(tmp_path)


def test_the_size_of_an_image_is_its_size_after_exif_rotation(tmp_path: Path) -> None:
    picture, _ = add(tmp_path, "a", LABELS.T.copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros(LABELS.shape, dtype=np.uint8)).save(picture, exif=exif)
    (record,) = read_folders(tmp_path).split("train")
    assert (record.width, record.height) == (3, 4)
