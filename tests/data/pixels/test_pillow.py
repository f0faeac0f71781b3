"""Picture files are opened, or refused with an ImageError that names the file."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data import image_size, read_image
from samtailor.data.pixels import limits
from samtailor.errors import ImageError
from tests.data.helpers import save

NOISE = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
COLOUR = NOISE[:5, :7]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are not pictures."""
    whole = save(tmp_path / "whole.png", NOISE).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    return tmp_path


CAUSES = {
    "cut.png": "cannot be read",
    "text.png": "damaged or has an unknown format",
    "empty.png": "empty file",
    "folder.png": "folder",
    "absent.png": "does not exist",
    f"{'n' * 300}.png": "does not exist",
}


@pytest.mark.parametrize("name", CAUSES)
def test_bad_files_are_errors(folder: Path, name: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(folder / name)
    assert name in str(caught.value) and CAUSES[name] in str(caught.value)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 400))
def test_damaged_bytes_raise_no_other_errors(tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    path = tmp_path_factory.mktemp("junk") / "a.png"
    path.write_bytes(buffer.getvalue()[:at] + junk)
    try:
        assert read_image(path).shape[2] == 3
    except ImageError as error:
        assert str(path) in str(error)


def test_postscript_files_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="unknown format"):
        read_image(save(tmp_path / "a.eps", COLOUR))


def test_a_tiff_stack_is_an_error(tmp_path: Path) -> None:
    page = Image.fromarray(COLOUR)
    page.save(tmp_path / "stack.tif", save_all=True, append_images=[page, page])
    with pytest.raises(ImageError, match=r"stack\.tif.*3 TIFF pages"):
        read_image(tmp_path / "stack.tif")


def test_a_preview_in_a_tiff_is_ignored(tmp_path: Path) -> None:
    page = Image.fromarray(COLOUR)
    page.save(tmp_path / "preview.tif", save_all=True, append_images=[page.resize((3, 2))])
    assert (read_image(tmp_path / "preview.tif") == COLOUR).all()


def test_our_size_limit_counts_and_pillows_stays_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = save(tmp_path / "a.png", COLOUR)
    assert read_image(path).shape == (5, 7, 3)
    assert Image.MAX_IMAGE_PIXELS == 10
    monkeypatch.setattr(limits, "MAX_PIXELS", 34)
    with pytest.raises(ImageError, match=r"a\.png has 7 x 5 pixels"):
        image_size(path)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_damaged_files_print_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for kind in ("tiff_lzw", "tiff_deflate", "jpeg"):
        path = tmp_path / f"{kind}.tif"
        Image.fromarray(noise).save(path, compression=kind)
        content = bytearray(path.read_bytes())
        content[60:160] = bytes(100)
        path.write_bytes(content)
        with suppress(ImageError):  # a damaged JPEG is read as far as possible
            read_image(path)
    assert capfd.readouterr() == ("", "")


def test_embedded_pictures_have_the_size_limit_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    with limits.open_embedded(buffer.getvalue(), ("PNG",)) as picture:
        assert picture.size == (7, 5)
    monkeypatch.setattr(limits, "MAX_SIDE", 6)
    with (
        pytest.raises(ValueError, match="it has 7 x 5 pixels"),
        limits.open_embedded(buffer.getvalue(), ("PNG",)),
    ):
        pass
