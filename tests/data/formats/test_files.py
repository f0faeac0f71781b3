"""Files of a data set: JSON, lines, and pictures listed by stem."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor.data.formats.files import files_by_stem, picture_size, read_bytes, read_json, read_lines
from tests.data.helpers import data_error, picture, write


def test_a_json_object_is_returned(tmp_path: Path) -> None:
    assert read_json(write(tmp_path / "a.json", {"b": 1})) == {"b": 1}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\xff\xfe", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "holds a JSON list; expected an object"),
    ],
)
def test_other_json_is_an_error(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    with data_error(tmp_path / "a.json", cause, "Fix the file or export it again"):
        read_json(tmp_path / "a.json")


def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with data_error(f"{path} cannot be read"):
            read_bytes(path)


def test_lines_are_stripped_and_numbered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeff a b \n\n\t\nc\r\n")
    assert read_lines(path) == [(1, "a b"), (4, "c")]


def test_text_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with data_error("a.txt is not UTF-8 text", "Save the file as UTF-8"):
        read_lines(tmp_path / "a.txt")


def test_files_are_listed_by_stem_without_hidden_files_and_other_suffixes(tmp_path: Path) -> None:
    picture(tmp_path / "b.PNG")
    picture(tmp_path / "a.jpg")
    for name in ("notes.txt", ".a.png", "Thumbs.db"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert list(files_by_stem(tmp_path).items()) == [("a", tmp_path / "a.jpg"), ("b", tmp_path / "b.PNG")]


def test_two_files_with_one_stem_are_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "a.jpg")
    with data_error("a.jpg and", "a.png have the same stem"):
        files_by_stem(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with data_error("masks is missing; expected a folder of masks"):
        files_by_stem(tmp_path / "masks", contents="masks")


def test_the_size_of_a_damaged_picture_is_a_data_error(tmp_path: Path) -> None:
    assert picture_size(picture(tmp_path / "a.png")) == (12, 8)
    write(tmp_path / "b.png", "no picture")
    with data_error("b.png is damaged"):
        picture_size(tmp_path / "b.png")
