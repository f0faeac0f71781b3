"""CelebAMask-HQ: parts of faces in folders of 2000, resized to their images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samtailor.data import load_task, read_celebamask
from tests.data.helpers import check_round_trip, data_error, picture, save, stems_of, write

SKIN = np.zeros((16, 16), dtype=bool)
SKIN[4:12, 3:13] = True


def part_path(root: Path, number: int, name: str) -> Path:
    return root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05}_{name}.png"


def add_part(root: Path, number: int, name: str, mask: np.ndarray = SKIN, channels: int = 3) -> Path:
    grey = mask.astype(np.uint8) * 255
    return save(part_path(root, number, name), np.dstack([grey] * 3) if channels == 3 else grey)


def add_face(root: Path, number: int) -> Path:
    """Save an image with two parts."""
    add_part(root, number, "skin")
    add_part(root, number, "l_eye", ~SKIN, channels=1)
    return picture(root / "CelebA-HQ-img" / f"{number}.jpg", 32, 32)


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    numbers = [*range(9), 1999, 2000, 29999]
    for number in numbers:
        add_face(tmp_path / "CelebAMask-HQ", number)
    task = load_task(tmp_path)
    assert task.classes == ("skin", "l_eye") and "split 70/10/20 by image number" in task.format
    records = {record.path.stem: record for record in task.images}
    assert sorted(map(int, records)) == numbers and all(task.splits.values())
    (skin, eye) = records["29999"].instances
    assert (skin.mask() == np.kron(SKIN, np.ones((2, 2), dtype=bool))).all()  # 16 to 32 pixels
    assert (skin.label, eye.label, skin.area + eye.area) == ("skin", "l_eye", 32 * 32)
    assert (skin.id, eye.id) == (29999 * 32, 29999 * 32 + 3)
    check_round_trip(task, tmp_path / "out")


def test_lists_make_the_split(tmp_path: Path) -> None:
    for number in range(4):
        add_face(tmp_path, number)
    write(tmp_path / "train.txt", "2.jpg\n0\n")
    write(tmp_path / "test.txt", "3.jpg\n")
    task = load_task(tmp_path)
    assert task.format == "CelebAMask-HQ"
    assert stems_of(task) == {"train": ["0", "2"], "test": ["3"]}
    write(tmp_path / "test.txt", "3.jpg\n4.jpg\n")
    with data_error("test.txt, line 2: the image 4.jpg is not in CelebA-HQ-img/"):
        load_task(tmp_path)


@given(hnp.arrays(np.bool_, (4, 4)), st.sampled_from([4, 8, 12]))
def test_enlarging_keeps_every_pixel(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray, side: int) -> None:
    root = tmp_path_factory.mktemp("faces")
    picture(root / "CelebA-HQ-img" / "0.jpg", side, side)
    add_part(root, 0, "hair", mask)
    write(root / "train.txt", "0")
    (hair,) = read_celebamask(root).splits["train"][0].instances
    assert (hair.mask() == np.kron(mask, np.ones((side // 4, side // 4), dtype=bool))).all()


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Two faces."""
    for number in range(2):
        add_face(tmp_path, number)
    return tmp_path


def test_an_unknown_part_is_an_error(faces: Path) -> None:
    add_part(faces, 0, "beard")
    with data_error("00000_beard.png is not a part of a face", "skin, nose"):
        load_task(faces)


def test_a_mask_in_the_wrong_folder_is_an_error(faces: Path) -> None:
    add_part(faces, 0, "hat").rename(part_path(faces, 0, "hat").with_name("02000_hat.png"))
    with data_error("02000_hat.png is in the wrong folder; expected", part_path(faces, 2000, "hat")):
        load_task(faces)


def test_an_image_without_masks_is_an_error(faces: Path) -> None:
    image = picture(faces / "CelebA-HQ-img" / "7.jpg", 32, 32)
    with data_error(f"1 of 3 images have no mask, the first is {image}; expected", "00007_skin.png"):
        load_task(faces)


def test_masks_without_an_image_are_an_error(faces: Path) -> None:
    (faces / "CelebA-HQ-img" / "0.jpg").unlink()
    with data_error("1 of 2 faces have masks but no image, the first is number 0:", "00000_l_eye.png"):
        load_task(faces)


def test_an_image_with_another_name_is_an_error(faces: Path) -> None:
    picture(faces / "CelebA-HQ-img" / "face.jpg")
    with data_error("face.jpg is not an image of CelebAMask-HQ"):
        load_task(faces)


def test_an_image_of_another_shape_is_an_error(faces: Path) -> None:
    picture(faces / "CelebA-HQ-img" / "0.jpg", 32, 16)
    with data_error("00000_skin.png has 16 x 16", "0.jpg has 32 x 16"):
        load_task(faces)


def test_bad_masks_are_errors(faces: Path) -> None:
    path = save(part_path(faces, 0, "skin"), np.full((16, 16), 7, dtype=np.uint8))
    with data_error("00000_skin.png has the values [7]; expected 0 and 255"):
        load_task(faces)
    path.write_text("no picture")
    with data_error("00000_skin.png is damaged"):
        load_task(faces)


def test_missing_folders_are_errors(tmp_path: Path) -> None:
    with data_error("holds no folder CelebA-HQ-img"):
        read_celebamask(tmp_path)
    picture(tmp_path / "CelebA-HQ-img" / "0.jpg")
    with data_error("CelebAMask-HQ-mask-anno is missing"):
        read_celebamask(tmp_path)
