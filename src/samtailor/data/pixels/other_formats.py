"""Formats of cameras and clinics that need another library: HEIC (``pi-heif``) and DICOM (``pydicom``)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.pixels.limits import check_size
from samtailor.errors import ImageError
from samtailor.machine.reading import open_regular

__all__ = ["dicom_picture", "is_dicom", "is_heic", "register_heic"]

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_INSTALL = "pip install 'samtailor[formats]'"


def is_heic(path: Path) -> bool:
    """Return True for a HEIC or HEIF file, the format of iPhone photos."""
    head = _head(path, 12)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def is_dicom(path: Path) -> bool:
    """Return True for a DICOM file."""
    return _head(path, 132)[128:] == b"DICM"


def register_heic(path: Path) -> None:
    """Let Pillow open HEIC files, if ``path`` is one.

    Raises:
        ImageError: it is one, and no library reads it.
    """
    Image.init()
    if not is_heic(path) or "HEIF" in Image.OPEN:
        return
    for name in ("pi_heif", "pillow_heif"):
        try:
            library: Any = importlib.import_module(name)
        except ImportError:
            continue
        library.register_heif_opener()
        return
    raise ImageError(
        f"Image {path} is a HEIC file (an iPhone photo), which needs the library pi-heif; it is not installed.",
        f"Run {_INSTALL}, or export the photos as JPEG: masks stay valid if the size and the rotation stay the same.",
    )


def dicom_picture(path: Path) -> Image.Image:
    """Return the picture of a DICOM file: its stored values, with the lowest shown as black.

    Raises:
        ImageError: the library is missing, or the file holds no picture, or several.
    """
    try:
        library: Any = importlib.import_module("pydicom")
    except ImportError as error:
        raise ImageError(
            f"Image {path} is a DICOM file, which needs the library pydicom; it is not installed.",
            f"Run {_INSTALL}, or export the slices as 16-bit PNG or TIFF, for example with dcm2pnm of DCMTK or with "
            "3D Slicer.",
        ) from error
    content = library.dcmread(path)
    frames = int(content.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        raise ImageError(
            f"Image {path} is a DICOM file of {frames} frames; expected one.", "Export each frame as its own file."
        )
    if "PixelData" not in content:
        raise ImageError(f"Image {path} is a DICOM file without pixels.", "Remove it.")
    check_size(path, int(content.Columns), int(content.Rows))
    values = np.asarray(content.pixel_array)
    if content.get("PhotometricInterpretation") == "MONOCHROME1":  # 0 is white
        values = values.max() - values
    if values.ndim == 2 and values.dtype != np.uint8:
        values = values.astype(np.int32)
    return Image.fromarray(values)


def _head(path: Path, size: int) -> bytes:
    with open_regular(path) as file:
        return file.read(size)
