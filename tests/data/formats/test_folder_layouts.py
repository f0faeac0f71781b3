"""Images and masks are found under the names of folders and files that tools and publishers use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samtailor.data import Task, load_task
from tests.data.helpers import data_error, picture, save, sizes_of, write


def mask(number: int) -> np.ndarray:
    """Return a mask (8, 12) of one object, whose area depends on the number."""
    labels = np.zeros((8, 12), dtype=np.uint8)
    labels[1:6, 1 : 5 + number % 6] = 255
    return labels


def add(root: Path, image: str, *masks: str, number: int = 0) -> None:
    """Save an image and its masks under the given paths."""
    picture(root / image)
    for n, name in enumerate(masks):
        save(root / name, mask(number + n))


def read(root: Path) -> Task:
    """Load the task and check that it was read as image and mask folders."""
    task = load_task(root)
    assert "image and mask folders" in task.format
    return task


# Path of image {n} and of its mask; the split that is expected, or none.
LAYOUTS = {
    "carvana": ("train/{n}_01.jpg", "train_masks/{n}_01_mask.gif", ""),
    "camvid": ("CamVid/train/0016E5_{n}.png", "CamVid/train_labels/0016E5_{n}_L.png", ""),
    "isic": ("ISIC2018_Training_Input/ISIC_{n}.jpg", "ISIC2018_Training_GroundTruth/ISIC_{n}_segmentation.png", ""),
    "kvasir": ("Kvasir-SEG/images/cju{n}.png", "Kvasir-SEG/masks/cju{n}.png", ""),
    "clinicdb": ("Original/{n}.tif", "Ground Truth/{n}.tif", ""),
    "deepglobe": ("data/{n}_sat.jpg", "data/{n}_mask.png", ""),
    "nnunet": ("imagesTr/case_{n}_0000.png", "labelsTr/case_{n}.png", ""),
    "crack": ("crack/train_img/{n}.jpg", "crack/train_lab/{n}.png", ""),
    "inria": ("AerialImageDataset/train/images/austin{n}.tif", "AerialImageDataset/train/gt/austin{n}.tif", ""),
    "loveda": ("Train/Rural/images_png/{n}.png", "Train/Rural/masks_png/{n}.png", ""),
    "cellpose masks": ("test/{n}_img.png", "test/{n}_masks.png", "test"),
    "upper case": ("images/IMG_{n}.JPG", "masks/img_{n}.png", ""),
    "root and masks": ("{n}.png", "masks/{n}.png", ""),
    "same names": ("photos/{n}.jpg", "photos/{n}.png", ""),
    "prefix beside": ("all/{n}.png", "all/mask_{n}.png", ""),
    "spaces": ("tissue images/human liver {n}.png", "label masks/human liver {n}.png", ""),
    "mask in several words": ("images/{n}.png", "masks/{n}-binary-mask.png", ""),
    "flat images, masks in splits": ("images/{n}.png", "masks/val/{n}.png", "val"),
    "training and validation": ("images/validation/{n}.jpg", "annotations/validation/{n}.png", "val"),
    "numbers in the middle": ("images/frame{n}_cam1.png", "labels/label_frame{n}_cam1.png", ""),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_popular_layout_is_paired(tmp_path: Path, name: str) -> None:
    image, mask_name, split = LAYOUTS[name]
    for n in range(1, 13):
        path = tmp_path / image.format(n=n)
        picture(path.with_suffix(".png")).rename(path)
        save(tmp_path / mask_name.format(n=n), mask(n))
    task = read(tmp_path)
    assert len(task.images) == 12
    assert [s for s, count in sizes_of(task).items() if count] == ([split] if split else ["train", "val", "test"])
    for record in task.images:
        n = next(n for n in range(1, 13) if record.path == tmp_path / image.format(n=n))
        assert [i.area for i in record.instances] == [int((mask(n) > 0).sum())]


@pytest.mark.parametrize(
    ("masks", "labels"),
    [
        (("{n}/masks/a.png", "{n}/masks/b.png"), ["object", "object"]),
        (("masks/{n}/1.png", "masks/{n}/2.png"), ["object", "object"]),
        (("masks/{n}_1.png", "masks/{n}_2.png"), ["object", "object"]),
        (("masks/{n}_mask_1.png", "masks/{n}_mask_2.png"), ["object", "object"]),
        (("masks/{n}_leaf.png", "masks/{n}_stem.png"), ["leaf", "stem"]),
        (("masks/leaf/{n}.png", "masks/stem/{n}.png"), ["leaf", "stem"]),
        (("masks/leaf/{n}_mask.png", "masks/stem/{n}_mask.png"), ["leaf", "stem"]),
    ],
)
def test_an_image_may_have_several_mask_files(tmp_path: Path, masks: tuple[str, ...], labels: list[str]) -> None:
    inside = "{n}/images/{n}.png" if masks[0].startswith("{n}/") else "images/{n}.png"
    for name in ("s1", "s2", "s3"):
        add(tmp_path, inside.format(n=name), *(m.format(n=name) for m in masks))
    task = read(tmp_path)
    for record in task.images:
        assert [(i.label, i.area) for i in record.instances] == [(labels[0], 20), (labels[1], 25)]
        assert len({i.id for i in record.instances}) == 2
    assert task.classes == tuple(dict.fromkeys(labels))


def test_second_masks_beside_images_are_read(tmp_path: Path) -> None:
    for n in range(1, 5):
        add(tmp_path, f"benign/benign ({n}).png", f"benign/benign ({n})_mask.png")
    save(tmp_path / "benign/benign (2)_mask_1.png", mask(3))
    counts = {record.path.stem: len(record.instances) for record in read(tmp_path).images}
    assert counts == {"benign (1)": 1, "benign (2)": 2, "benign (3)": 1, "benign (4)": 1}


def test_a_category_of_mvtec_has_its_kinds_of_defects_as_classes(tmp_path: Path) -> None:
    for category in ("bottle", "cable"):
        add(tmp_path / category, "train/good/000.png")
        add(tmp_path / category, "test/good/000.png")
        add(tmp_path / category, "test/cut/001.png", "ground_truth/cut/001_mask.png")
    task = read(tmp_path)
    assert task.classes == ("cut",) and len(task.images) == 6
    assert sum(len(record.instances) for record in task.images) == 2


def test_two_folders_that_may_hold_the_masks_are_refused(tmp_path: Path) -> None:
    for n in range(3):
        add(tmp_path, f"images/{n}.png", f"labels/{n}.png", f"mask/{n}.png")
    with data_error("2 folders", "labels", "may hold the masks", "Rename the one to read to masks"):
        load_task(tmp_path)
    (tmp_path / "labels").rename(tmp_path / "masks")
    task = load_task(tmp_path)
    assert [f.code for f in task.findings if f.count == 3] == ["pictures-left-out"]


def test_pictures_of_an_unlabelled_split_are_counted(tmp_path: Path) -> None:
    for n in range(4):
        add(tmp_path, f"train/images/{n}.png", f"train/masks/{n}.png")
        add(tmp_path, f"test/images/{n}.png")
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 4}
    assert [(f.count, f.severity) for f in task.findings if f.code == "pictures-left-out"] == [(4, "warning")]


def test_pictures_beside_the_splits_are_counted(tmp_path: Path) -> None:
    add(tmp_path, "train/images/a.png", "train/masks/a.png")
    add(tmp_path, "photos/a.png")
    task = load_task(tmp_path)
    assert sizes_of(task) == {"train": 1}
    assert [f.count for f in task.findings if f.code == "pictures-left-out"] == [1]


def test_names_without_anything_in_common_are_shown(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / "images" / f"{'abc'[n]}.png")
        save(tmp_path / "masks" / f"{'xyz'[n]}.png", mask(n))
    with data_error("images are called a.png, b.png", "masks x.png", "Rename the masks like their images"):
        load_task(tmp_path)


def test_images_in_and_outside_splits_are_refused(tmp_path: Path) -> None:
    for part in ("", "train/"):
        add(tmp_path, f"images/{part}a{part[:1]}.png", f"masks/{part}a{part[:1]}.png")
    with data_error("are in folders of splits and others are not"):
        load_task(tmp_path)


def test_a_table_of_classes_that_is_a_link_out_of_the_data_set_is_not_shown(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for n in range(4):
        picture(root / "images" / f"{n}.jpg")
        save(root / "masks" / f"{n}.png", np.eye(8, 12, dtype=np.uint8))
    write(tmp_path / "secret", '{"root:x:0": 1}')
    (root / "classes.json").symlink_to(tmp_path / "secret")
    with data_error("classes.json is a link to a file outside the data set", "Copy the file"):
        load_task(root)
    (root / "classes.json").unlink()
    write(root / "tables" / "classes.json", {"1": "cell"})
    (root / "classes.json").symlink_to(root / "tables" / "classes.json")
    assert load_task(root).classes == ("cell",)
