"""HEIC and DICOM files are read through a library, or named with the library to install."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.data import image_size, read_image
from samtailor.errors import ImageError

FIELD = Path(__file__).parents[1] / "field"
HEIC = FIELD / "heic-images" / "data" / "images" / "0.heic"
DICOM = FIELD / "dicom-images" / "data" / "images" / "0.dcm"


@pytest.mark.parametrize(
    ("path", "names", "words"), [(HEIC, ("pi_heif", "pillow_heif"), "HEIC"), (DICOM, ("pydicom",), "DICOM")]
)
def test_without_the_library_the_error_says_what_to_install(
    path: Path, names: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match=rf"is a {words} file.*not installed.*samtailor\[formats\].*export"):
            read(path)


@pytest.mark.skipif(not importlib.util.find_spec("pi_heif"), reason="pi-heif is not installed")
def test_heic_files_are_read() -> None:
    assert read_image(HEIC).shape == (72, 96, 3) and image_size(HEIC) == (96, 72)


@pytest.mark.skipif(not importlib.util.find_spec("pydicom"), reason="pydicom is not installed")
def test_dicom_files_are_read() -> None:
    image = read_image(DICOM)
    assert image.shape == (72, 96, 3) and image_size(DICOM) == (96, 72)
    assert np.ptp(image) == 255
