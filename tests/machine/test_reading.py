"""Pipes, devices and folders are not read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from samtailor.data import load_task
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.pixels.masks import read_labels
from samtailor.errors import DataError, ImageError
from samtailor.machine.reading import open_regular

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="expected a file"):
            open_regular(path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "absent")


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_an_image_or_a_mask_is_an_error(tmp_path: Path) -> None:
    for suffix in ("png", "tif", "jpg", "webp"):
        pipe = tmp_path / f"pipe.{suffix}"
        os.mkfifo(pipe)
        for read in (image_key, read_image, read_labels):
            with pytest.raises((ImageError, DataError), match=rf"pipe\.{suffix}"):
                read(pipe)  # type: ignore[operator]


@pytest.mark.timeout(20)
def test_a_mask_of_a_data_set_that_is_a_pipe_does_not_stop_the_program(tmp_path: Path) -> None:
    (tmp_path / "CelebA-HQ-img").mkdir()
    masks = tmp_path / "CelebAMask-HQ-mask-anno" / "0"
    masks.mkdir(parents=True)
    (tmp_path / "CelebA-HQ-img" / "0.jpg").write_bytes(b"")
    os.mkfifo(masks / "00000_skin.png")
    with pytest.raises(DataError):
        load_task(tmp_path)
