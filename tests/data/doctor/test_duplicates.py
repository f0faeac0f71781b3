"""Pictures that a task holds twice are found, whatever their size and format; others are not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data import Task, drop_duplicates, find_duplicates, inspect_task, load_task
from samtailor.data.doctor import likeness as alike
from samtailor.errors import DataError
from tests.data.doctor.helpers import SIDE, clean_task, of_code, scene, with_image


@pytest.fixture
def clean(tmp_path: Path) -> Task:
    return clean_task(tmp_path)


def test_the_same_file_in_two_splits(clean: Task) -> None:
    twin = clean.root / "twin.png"
    twin.write_bytes((clean.root / "train3.png").read_bytes())
    task = with_image(clean, "test", twin)
    found = inspect_task(task)
    assert [(f.code, f.severity, f.files) for f in found.findings] == [("same-picture", "error", (str(twin),))]
    assert found.leaks == ((str(clean.root / "train3.png"), str(twin)),)
    assert found.duplicates[0].to_dict() == {
        "file": str(twin),
        "split": "test",
        "of": str(clean.root / "train3.png"),
        "of_split": "train",
        "kind": "bytes",
        "likeness": 1.0,
    }
    assert drop_duplicates(task, found.duplicates) == clean
    within = inspect_task(with_image(clean, "train", twin))
    assert [(f.code, f.severity) for f in within.findings] == [("same-picture-within", "note")]
    assert within.leaks == () and drop_duplicates(clean, within.duplicates) == clean


def test_the_same_picture_in_another_size_and_format(clean: Task) -> None:
    smaller = np.array(Image.fromarray(scene(103)).resize((90, 70)))  # val3.png
    task = with_image(clean, "test", clean.root / "again.jpg", smaller, quality=60)
    found = of_code(task, "alike-picture")
    assert (found.severity, found.files) == ("warning", (str(clean.root / "again.jpg"),))
    (duplicate,) = find_duplicates(task)
    assert (duplicate.of, duplicate.of_split, duplicate.kind) == (str(clean.root / "val3.png"), "val", "alike")
    assert drop_duplicates(task, [duplicate]) == clean
    within = with_image(clean, "val", clean.root / "again.jpg")
    assert of_code(within, "alike-picture-within").severity == "note"


def test_the_earliest_split_counts(clean: Task) -> None:
    """Of two equal files in test, both like a picture in val and one in train, both are tied to train."""
    task = clean
    for split, name, quality in (("val", "v.jpg", 90), ("test", "a.jpg", 50), ("test", "b.jpg", 50)):
        task = with_image(task, split, clean.root / name, scene(3), quality=quality)
    found = {(Path(d.file).name, Path(d.of).name, d.kind) for d in find_duplicates(task)}
    near = {(name, "train3.png", "alike") for name in ("v.jpg", "a.jpg", "b.jpg")}
    assert found == near | {("b.jpg", "a.jpg", "bytes")}
    assert drop_duplicates(task, find_duplicates(task)) == clean
    backwards = replace(task, splits=dict(reversed(task.splits.items())))
    assert {(Path(d.file).name, Path(d.of).name, d.kind) for d in find_duplicates(backwards)} == found


def test_a_split_is_not_dropped_as_a_whole(clean: Task) -> None:
    task = replace(clean, splits={"train": clean.split("train"), "test": clean.split("train")})
    with pytest.raises(DataError, match=r"All 10 images of split 'test'"):
        drop_duplicates(task, find_duplicates(task))


def test_flat_pictures_are_not_compared(clean: Task) -> None:
    task = clean
    for n, split in enumerate(("train", "test")):
        noise = np.random.default_rng(n).integers(10, 14, (SIDE, SIDE, 3), dtype=np.uint8)
        task = with_image(task, split, clean.root / f"dark{n}.png", noise)
    assert find_duplicates(task) == []


def test_pictures_that_share_only_a_frame_are_not_alike(clean: Task) -> None:
    task = clean
    for n, split in enumerate(("train", "val", "test")):
        page = np.full((SIDE * 2, SIDE * 2, 3), 60, dtype=np.uint8)
        page[20:-20, 30:-30] = 240
        ink = np.random.default_rng(n).random((18, 196)) < 0.5
        for row, line in enumerate(ink):
            page[30 + 11 * row : 35 + 11 * row, 30:-30][:, line] = 30
        task = with_image(task, split, clean.root / f"page{n}.png", page)
    assert find_duplicates(task) == []


def test_searching_does_not_depend_on_blocks(clean: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    task = clean
    for n in range(6):
        task = with_image(task, ("val", "test")[n % 2], clean.root / f"n{n}.jpg", scene(n), quality=70 + n)
    whole = find_duplicates(task)
    monkeypatch.setattr("samtailor.data.doctor.duplicates._ROWS", 4)
    assert len(whole) == 6 and find_duplicates(task) == whole


def again_as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def is_found(one: np.ndarray, other: np.ndarray) -> bool:
    a, b = alike.thumbnail(one), alike.thumbnail(other)
    bound = float((alike.fingerprint(a[None]) @ alike.fingerprint(b[None]).T).item())
    overall = float(alike.overall(a, b[None])[0])
    assert bound >= overall - 1e-4, "a fingerprint may not miss what the thumbnails would find"
    return overall >= alike.OVERALL and float(alike.detail(a, b[None])[0]) >= alike.DETAIL


@given(st.integers(0, 10**6), st.integers(60, 300), st.integers(60, 300), st.integers(30, 95))
def test_resized_and_compressed_again_is_found(seed: int, width: int, height: int, quality: int) -> None:
    picture = scene(seed)
    changed = again_as_jpeg(Image.fromarray(picture).resize((width, height)), quality)
    assert is_found(picture, np.array(changed))
    assert is_found(picture, (255 * (picture / 255) ** 0.9 * 0.9 + 5).astype(np.uint8)), "darker, less contrast"


@given(st.integers(0, 10**6), st.integers(20, 40), st.sampled_from(["left", "top", "middle"]))
def test_another_crop_or_picture_is_not_found(seed: int, cut: int, side: str) -> None:
    picture = scene(seed)
    crops = {"left": picture[:, cut:], "top": picture[cut:], "middle": picture[cut // 2 : -cut, cut // 2 : -cut]}
    assert not is_found(picture, crops[side])
    assert not is_found(picture, scene(seed + 1))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "equal", "alike_too"),
    [
        ("signs", {("test", "train"): 84, ("test", "val"): 11}, {}),
        ("faces_fasseg", {("test", "train"): 6, ("train", "train"): 2}, {("train", "train"): 1, ("test", "test"): 1}),
        ("plates", {}, {("train", "train"): 1}),
    ],
)
def test_the_known_duplicates_are_found(
    shared: Path, name: str, equal: dict[tuple[str, str], int], alike_too: dict[tuple[str, str], int]
) -> None:
    task = load_task(shared / "data" / name)
    found = find_duplicates(task)
    for kind, expected in (("bytes", equal), ("alike", alike_too)):
        ties = [(d.split, d.of_split) for d in found if d.kind == kind]
        assert {tie: ties.count(tie) for tie in ties} == expected
    dropped = drop_duplicates(task, found)
    cross = sum(count for (split, of), count in equal.items() if split != of)
    assert len(dropped.split("test")) == len(task.split("test")) - cross
    assert not [d for d in find_duplicates(dropped) if d.split != d.of_split]
