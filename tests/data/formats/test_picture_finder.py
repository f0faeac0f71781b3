"""Pictures are found by the names that annotation files have for them, and never outside the task."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from samtailor.data.formats.picture_finder import PictureFinder, name_parts
from tests.data.helpers import picture


def finder(root: Path, split: str = "", word: str = "") -> PictureFinder:
    return PictureFinder(root, root / "annotations" / "a.json", root, split, word)


@pytest.mark.parametrize("place", ["images/a.png", "a.png", "deep/in/a/folder/a.png", "annotations/a.png"])
def test_a_picture_is_found_anywhere_below_the_task(tmp_path: Path, place: str) -> None:
    path = picture(tmp_path / place)
    found = finder(tmp_path).find("a.png")
    assert found is not None and found.path == path


def test_the_nearest_folder_of_the_split_comes_first(tmp_path: Path) -> None:
    for folder in ("train2017", "val2017", "images/train"):
        picture(tmp_path / folder / "a.png")
    for split, word, folder in (("train", "train2017", "images/train"), ("val", "val2017", "val2017")):
        found = finder(tmp_path, split, word).find("a.png")
        assert found is not None and found.path == tmp_path / folder / "a.png"
    assert finder(tmp_path, "test", "test").find("a.png") is None, "pictures of other splits are not taken"


def test_folders_in_the_name_choose_among_equal_names(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        picture(tmp_path / "raw" / folder / "a.png")
    found = finder(tmp_path).find("/home/ana/two/a.png")
    assert found is not None and found.path == tmp_path / "raw" / "two" / "a.png"
    assert finder(tmp_path).find("a.png") is None
    assert len(finder(tmp_path).alike("a.png")) == 2


def test_mask_pictures_are_not_taken_for_images(tmp_path: Path) -> None:
    for folder in ("masks", "panoptic_train", "SegmentationClass", "labels"):
        picture(tmp_path / folder / "a.png")
    assert finder(tmp_path).find("a.png") is None


def test_names_that_differ_only_in_their_unicode_form_are_equal(tmp_path: Path) -> None:
    path = picture(tmp_path / "images" / unicodedata.normalize("NFD", "Brücke é.png"))
    found = finder(tmp_path).find(unicodedata.normalize("NFC", "Brücke é.png"))
    assert found is not None and found.path == path and "accents" in found.repair


@pytest.mark.parametrize("name", ["../secret.png", "/etc/../../secret.png", "..%2Fsecret.png", "x/../../secret.png"])
def test_nothing_outside_the_task_is_found(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "secret.png")
    (tmp_path / "task" / "images").mkdir(parents=True)
    assert finder(tmp_path / "task").find(name) is None


@pytest.mark.parametrize("name", ["", "/", ".", "..", "\0", "a\0.png", "\ud800.png", "x" * 10_000, "?d=", "http://"])
def test_odd_names_are_not_found(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "images" / "b.png")
    assert finder(tmp_path).find(name) is None
    assert finder(tmp_path).expected(name)


def test_names_are_split_into_safe_parts() -> None:
    assert name_parts("a/b.png") == (("a", "b.png"), True)
    assert name_parts("./a.png") == (("a.png",), True)
    assert name_parts("C:\\x\\..\\a.png") == (("x", "a.png"), False)
    assert name_parts("/a.png") == (("a.png",), False)
