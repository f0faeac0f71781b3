"""Image and mask folders: labels come back as they were written, and each fault is named with its file."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import load_task, read_folders
from samtailor.data.pixels.masks import read_labels
from samtailor.errors import DataError

LABELS = np.array([[0, 0, 1, 1], [0, 7, 7, 1], [2, 2, 0, 0]], dtype=np.uint8)


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def add(root: Path, stem: str, labels: np.ndarray = LABELS, split: str = "train") -> tuple[Path, Path]:
    picture = save(root / split / "images" / f"{stem}.png", np.zeros(labels.shape, dtype=np.uint8))
    return picture, save(root / split / "masks" / f"{stem}.png", labels)


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 65535)))
def test_labels_of_16_bit_files_are_read_back(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("labels")
    for suffix in ("png", "tif"):
        assert (read_labels(save(folder / f"a.{suffix}", labels)) == labels).all()


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_labels_of_8_bit_files_are_read_back(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("labels")
    palette = Image.fromarray(labels)
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    palette.save(folder / "palette.png")
    triple = np.dstack([labels] * 3)
    paths = [
        folder / "palette.png",
        *(save(folder / f"grey.{suffix}", labels) for suffix in ("png", "tif", "bmp")),
        *(save(folder / f"triple.{suffix}", triple) for suffix in ("png", "tif", "bmp")),
        save(folder / "triple.webp", triple, lossless=True),
        save(folder / "solid.png", np.dstack([triple, np.full_like(labels, 255)])),
    ]
    for path in paths:
        assert (read_labels(path) == labels).all(), path.name
    assert (read_labels(save(folder / "bool.png", labels > 9)) == (labels > 9)).all()


def test_each_value_is_an_instance(tmp_path: Path) -> None:
    add(tmp_path, "b")
    add(tmp_path, "a", (LABELS > 0) * np.uint8(255))
    task = read_folders(tmp_path)
    first, second = task.split("train")
    assert task.classes == ("object",) and "one instance per value" in task.format
    assert (first.path.name, first.width, first.height) == ("a.png", 4, 3)
    assert [(i.id, i.area) for i in first.instances] == [(255, 7)]
    assert [(i.id - 65536, i.area) for i in second.instances] == [(1, 3), (2, 2), (7, 2)]
    assert all((i.mask() == (i.id - 65536 == LABELS)).all() for i in second.instances)


def test_each_value_is_a_class_where_classes_are_named(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps({"7": "wall", "0": "background", "1": "cell", "2": "gap"}))
    labels = LABELS.copy()
    labels[0, 0] = 255
    add(tmp_path, "a", labels)
    task = read_folders(tmp_path)
    (record,) = task.split("train")
    assert task.classes == ("cell", "gap", "wall") and "one class per value" in task.format
    assert [(i.label, i.area) for i in record.instances] == [("cell", 3), ("gap", 2), ("wall", 2)]
    (tmp_path / "classes.json").write_text(json.dumps({"7": "wall", "1": "cell", "2": "gap", "255": "edge"}))
    assert [i.label for i in read_folders(tmp_path).split("train")[0].instances] == ["cell", "gap", "wall", "edge"]
    (tmp_path / "classes.json").write_text(json.dumps({"1": "cell", "2": "gap"}))
    with pytest.raises(DataError, match=r"a\.png has the value 7 \(2 pixels\).*1 cell, 2 gap"):
        read_folders(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[1]", "{}", '{"x": "a"}', '{"1": 2}', '{"1": "a", "2": "a"}', '{"0": "a"}', '{"70000": "a"}', "\xff"]
)
def test_bad_classes_are_refused(tmp_path: Path, text: str) -> None:
    add(tmp_path, "a")
    (tmp_path / "classes.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"classes\.json"):
        read_folders(tmp_path)


def test_flat_folders_are_split_by_stem(tmp_path: Path) -> None:
    for n in range(20):
        add(tmp_path, f"{n}", split=".")
    task = load_task(tmp_path)
    assert "split 70/10/20" in task.format and all(task.splits.values())
    before = {record.path.stem: split for split, records in task.splits.items() for record in records}
    for n in range(20, 25):
        add(tmp_path, f"{n}", split=".")
    after = {record.path.stem: split for split, records in load_task(tmp_path).splits.items() for record in records}
    assert before.items() <= after.items()


def test_suffixes_may_differ_and_other_files_are_left_alone(tmp_path: Path) -> None:
    picture, mask = add(tmp_path, "a")
    Image.open(picture).save(picture.with_suffix(".JPG"), "JPEG")
    picture.unlink()
    Image.open(mask).save(mask.with_suffix(".TIF"), "TIFF")
    mask.unlink()
    (picture.parent / "notes.txt").touch()
    (picture.parent / ".a.png").touch()
    (mask.parent / "Thumbs.db").touch()
    assert [record.path.name for record in read_folders(tmp_path).split("train")] == ["a.JPG"]


def test_missing_partners_are_named(tmp_path: Path) -> None:
    _, first = add(tmp_path, "a[1]")
    _, second = add(tmp_path, "b")
    add(tmp_path, "c")
    first.unlink()
    second.unlink()
    with pytest.raises(DataError, match=r"2 of 3 images have no mask, the first is .*a\[1\]\.png"):
        read_folders(tmp_path)
    save(first.with_suffix(".jpg"), LABELS)
    with pytest.raises(DataError, match=r"a\[1\]\.jpg is JPEG"):
        read_folders(tmp_path)
    save(first, LABELS)
    save(second, LABELS)
    save(second.with_name("lone.png"), LABELS)
    with pytest.raises(DataError, match=r"1 of 4 masks have no image, the first is .*lone\.png"):
        read_folders(tmp_path)


def test_bad_masks_are_named(tmp_path: Path) -> None:
    picture, mask = add(tmp_path, "a")
    colour = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    triple = np.dstack([LABELS] * 3)

    def refused(*words: str) -> None:
        with pytest.raises(DataError) as caught:
            read_folders(tmp_path)
        assert all(word in str(caught.value) for word in (str(mask), *words))

    save(mask, LABELS[:2])
    refused("4 x 2", "4 x 3", str(picture))
    save(mask, colour)
    refused("colour picture")
    save(mask, np.dstack([triple, LABELS]))
    refused("transparent")
    mask.write_bytes(b"no picture")
    refused("damaged")
    mask.unlink()
    mask = save(mask.with_suffix(".tif"), LABELS.astype(np.float32))
    refused("colour mode F")
    save(mask, LABELS.astype(np.int32) - 1)
    refused("-1")
    save(mask, LABELS.astype(np.int32) * 10000)
    refused("70000")
    mask.unlink()
    mask = save(mask.with_suffix(".webp"), colour, quality=50)
    refused("losses")
    mask.unlink()
    mask = mask.with_suffix(".png")
    Image.fromarray(LABELS).save(mask, "JPEG")
    refused("JPEG", "losses")


def test_bad_images_and_folders_are_named(tmp_path: Path) -> None:
    picture, _ = add(tmp_path, "a")
    picture.with_suffix(".jpg").write_bytes(picture.read_bytes())
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png have the same stem"):
        read_folders(tmp_path)
    picture.with_suffix(".jpg").unlink()
    picture.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png is damaged"):
        read_folders(tmp_path)
    (tmp_path / "valid").mkdir()
    with pytest.raises(DataError, match=r"valid is no split.*Name it .*val"):
        read_folders(tmp_path)
    (tmp_path / "valid").rmdir()
    (tmp_path / "test" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match=r"test.masks is missing"):
        read_folders(tmp_path)


def test_exif_rotation_counts_for_the_size(tmp_path: Path) -> None:
    picture, _ = add(tmp_path, "a", LABELS.T.copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros(LABELS.shape, dtype=np.uint8)).save(picture, exif=exif)
    (record,) = read_folders(tmp_path).split("train")
    assert (record.width, record.height) == (3, 4)
    assert (read_labels(save(tmp_path / "turned.png", LABELS, exif=exif)) == np.rot90(LABELS, -1)).all()
    triple = np.dstack([LABELS] * 3)
    path = save(tmp_path / "turned.webp", triple, exif=exif.tobytes(), lossless=True)  # its pixels follow other chunks
    assert (read_labels(path) == np.rot90(LABELS, -1)).all()


def test_load_task_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        load_task(tmp_path / "absent")
    with pytest.raises(DataError, match=r"There is no folder|cannot be read"):
        load_task("x" * 5000)
    with pytest.raises(DataError, match=r"train\.json.*train/images/.*masks/"):
        load_task(tmp_path)
    with pytest.raises(DataError, match="No image and mask folders"):
        read_folders(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="images alone do not say"):
        load_task(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"notes\.txt is a file"):
        load_task(tmp_path / "notes.txt")


def test_empty_tasks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "train" / "masks").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        load_task(tmp_path)
    add(tmp_path, "a", np.zeros((3, 4), dtype=np.uint8))
    with pytest.raises(DataError, match="no instance on any"):
        load_task(tmp_path)
    add(tmp_path, "a", np.full((3, 4), 255, dtype=np.uint8))
    (tmp_path / "classes.json").write_text('{"1": "cell"}')
    with pytest.raises(DataError, match="255 is void"):
        load_task(tmp_path)


def test_the_sample_loads_and_a_folder_of_its_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = load_task("sample")
    assert {split: len(records) for split, records in sample.splits.items()} == {"train": 40, "val": 10, "test": 20}
    assert (sample.name, sample.classes) == ("sample", ("nucleus",))
    assert all(1 <= len(record.promptable) <= 60 for records in sample.splits.values() for record in records)
    add(tmp_path / "sample", "mine")
    assert load_task("sample").split("train")[0].path.stem == "mine"


def test_masks_of_three_channels_of_16_bit_are_refused(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + b"\0\1" * 6) * 2  # two rows of two pixels, each channel 1
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    path = tmp_path / "deep.png"
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(DataError, match=r"deep\.png has three channels of 16 bit"):
        read_labels(path)
