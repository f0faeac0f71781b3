"""Read a mask picture, whose pixels are labels, not colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.errors import DataError, ImageError

__all__ = ["MAX_LABEL", "read_labels"]

MAX_LABEL = 65535


def read_labels(path: str | Path) -> np.ndarray:
    """Read the labels of a mask picture: one channel (1, 8 or 16 bit), palette indices, or three equal channels.

    EXIF rotation is applied, as it is to images.

    Returns:
        (H, W) integers from 0 to ``MAX_LABEL``. A black-and-white (1-bit) picture has the labels 0 and 1.

    Raises:
        DataError: the file cannot be read, is a colour picture, has lossy compression, or has labels out of range.
    """
    path = Path(path)
    try:
        with open_picture(path) as picture:
            _check_lossless(picture, path)
            _check_depth(picture, path)
            picture.load()
            labels = _labels(upright(picture), path)
    except ImageError as error:
        raise DataError(f"Mask {path} cannot be read: {error.what}", error.hint) from error
    if labels.size == 0 or labels.min() < 0 or labels.max() > MAX_LABEL:
        raise DataError(
            f"Mask {path} has values from {labels.min(initial=0)} to {labels.max(initial=0)}; expected 0 to "
            f"{MAX_LABEL}.",
            "Save the mask as 8- or 16-bit PNG.",
        )
    return labels


def _labels(picture: Image.Image, path: Path) -> np.ndarray:
    mode = picture.mode
    if mode == "1":
        return np.asarray(picture).astype(np.uint8)
    if mode in ("L", "P", "I") or mode.startswith("I;16"):
        return np.asarray(picture)
    if mode in ("LA", "PA"):
        _check_opaque(picture, path)
        return np.asarray(picture.getchannel(0))
    if mode in ("RGB", "RGBA"):
        _check_opaque(picture, path)
        channels = np.asarray(picture)
        red = channels[..., 0]
        if (channels[..., 1] == red).all() and (channels[..., 2] == red).all():
            return red
        raise DataError(
            f"Mask {path} is a colour picture; expected one number per pixel, a class or an instance.",
            "Export the mask as 8- or 16-bit grey PNG, or with a palette. Colours and overlays are not read.",
        )
    raise DataError(f"Mask {path} has colour mode {mode}; expected 8- or 16-bit grey.", "Save it as grey PNG.")


def _check_opaque(picture: Image.Image, path: Path) -> None:
    """Refuse a mask in the alpha channel, which would be read as all background."""
    if picture.mode.endswith("A") and picture.getchannel("A").getextrema() != (255, 255):
        raise DataError(
            f"Mask {path} has transparent pixels; expected one number per pixel.", "Save the mask without alpha."
        )


def _check_depth(picture: Image.Image, path: Path) -> None:
    """Refuse 16 bits per channel: Pillow keeps only the upper 8, so small labels would become 0."""
    if picture.mode in ("RGB", "RGBA") and ";16" in str(getattr(picture, "tile", "")):
        raise DataError(f"Mask {path} has three channels of 16 bits; expected one.", "Save one channel as 16-bit PNG.")


def _check_lossless(picture: Image.Image, path: Path) -> None:
    """Refuse lossy compression, which invents values along every edge."""
    lossy = picture.format in ("JPEG", "MPO") or (picture.format == "WEBP" and not _is_lossless_webp(path))
    if lossy:
        raise DataError(
            f"Mask {path} has lossy {picture.format} compression, which changes values along every edge; expected a "
            "lossless file.",
            "Export the mask again as PNG. Converting this file to PNG does not restore its values.",
        )


def _is_lossless_webp(path: Path) -> bool:
    """Find the chunk with the pixels of a WebP file: ``VP8L`` is lossless, ``VP8 `` is not."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 "):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False
