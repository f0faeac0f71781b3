"""CelebAMask-HQ: parts of faces in folders of 2000, enlarged to their images, and faults with their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import load_task, read_celebamask
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip, picture, write

SKIN = np.zeros((16, 16), dtype=bool)
SKIN[4:12, 3:13] = True


def part(root: Path, number: int, name: str, mask: np.ndarray = SKIN, three: bool = True) -> Path:
    path = root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05}_{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = mask.astype(np.uint8) * 255
    Image.fromarray(np.dstack([grey] * 3) if three else grey).save(path)
    return path


def face(root: Path, number: int, side: int = 32) -> Path:
    part(root, number, "skin")
    part(root, number, "l_eye", ~SKIN, three=False)
    return picture(root / "CelebA-HQ-img" / f"{number}.jpg", side, side)


def test_the_layout_as_given_out(tmp_path: Path) -> None:
    numbers = [*range(9), 1999, 2000, 29999]
    for number in numbers:
        face(tmp_path / "CelebAMask-HQ", number)
    task = load_task(tmp_path)
    assert task.classes == ("skin", "l_eye") and "split 70/10/20 by image number" in task.format
    records = {record.path.stem: record for some in task.splits.values() for record in some}
    assert sorted(map(int, records)) == numbers and all(task.splits.values())
    (skin, eye) = records["29999"].instances
    assert (skin.mask() == np.kron(SKIN, np.ones((2, 2), dtype=bool))).all()  # 16 to 32 pixels
    assert (skin.label, eye.label, skin.area + eye.area) == ("skin", "l_eye", 32 * 32)
    assert (skin.id, eye.id) == (29999 * 32, 29999 * 32 + 3)
    check_round_trip(task, tmp_path / "out")


def test_lists_make_the_split(tmp_path: Path) -> None:
    for number in range(4):
        face(tmp_path, number)
    write(tmp_path / "train.txt", "2.jpg\n0\n")
    write(tmp_path / "test.txt", "3.jpg\n")
    task = load_task(tmp_path)
    assert task.format == "CelebAMask-HQ"
    assert {split: [r.path.stem for r in records] for split, records in task.splits.items()} == {
        "train": ["0", "2"],
        "test": ["3"],
    }
    write(tmp_path / "test.txt", "3.jpg\n4.jpg\n")
    with pytest.raises(DataError, match=r"test\.txt, line 2: there is no image 4\.jpg"):
        load_task(tmp_path)


@given(hnp.arrays(np.bool_, (4, 4)), st.sampled_from([4, 8, 12]))
def test_enlarging_keeps_every_pixel(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray, side: int) -> None:
    root = tmp_path_factory.mktemp("faces")
    picture(root / "CelebA-HQ-img" / "0.jpg", side, side)
    part(root, 0, "hair", mask)
    write(root / "train.txt", "0")
    (hair,) = read_celebamask(root).splits["train"][0].instances
    assert (hair.mask() == np.kron(mask, np.ones((side // 4, side // 4), dtype=bool))).all()


def test_faults_are_named(tmp_path: Path) -> None:
    image = face(tmp_path, 0)
    face(tmp_path, 1)

    def refused(pattern: str) -> None:
        with pytest.raises(DataError, match=pattern):
            load_task(tmp_path)

    extra = part(tmp_path, 0, "beard")
    refused(r"00000_beard\.png is no part of a face")
    extra.rename(tmp_path / "CelebAMask-HQ-mask-anno" / "0" / "02000_hat.png")
    refused(r"02000_hat\.png lies in the wrong folder; expected .*1.02000_hat\.png")
    (tmp_path / "CelebAMask-HQ-mask-anno" / "0" / "02000_hat.png").unlink()
    lone = picture(tmp_path / "CelebA-HQ-img" / "7.jpg", 32, 32)
    refused(r"1 of 3 images have no mask, the first is .*7\.jpg; expected .*00007_skin\.png")
    lone.rename(lone.with_name("face.jpg"))
    refused(r"face\.jpg is no image of CelebAMask-HQ")
    lone.with_name("face.jpg").unlink()
    image.unlink()
    refused(r"1 of 2 faces have masks but no image, the first is number 0: .*00000_l_eye\.png")
    picture(image, 32, 16)
    refused(r"00000_skin\.png has 16 x 16 .*0\.jpg has 32 x 16")
    picture(image, 32, 32)
    path = part(tmp_path, 0, "skin")
    Image.fromarray(np.full((16, 16), 7, dtype=np.uint8)).save(path)
    refused(r"00000_skin\.png has the values \[7\]; expected 0 and 255")
    path.write_text("no picture")
    refused(r"00000_skin\.png is damaged")
