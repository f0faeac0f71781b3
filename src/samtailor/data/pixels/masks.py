"""Reading a mask picture: its pixels are labels, not colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.errors import DataError, ImageError

__all__ = ["MAX_LABEL", "read_labels"]

MAX_LABEL = 65535


def read_labels(path: str | Path) -> np.ndarray:
    """Read the labels of a mask picture: 1 channel (bool, 8 or 16 bit), palette indices, or three equal channels.

    EXIF rotation is applied, as it is to images.

    Returns:
        (H, W) integers from 0 to ``MAX_LABEL``; a black-and-white (1 bit) picture gives 0 and 1.

    Raises:
        DataError: the file cannot be read, is a colour picture, is compressed with losses, or has numbers outside.
    """
    path = Path(path)
    try:
        with open_picture(path) as picture:
            _refuse_losses(picture, path)
            _refuse_deep_colour(picture, path)
            picture.load()
            labels = _labels(upright(picture), path)
    except ImageError as error:
        raise DataError(f"Mask {path} cannot be read: {error.what}", error.hint) from error
    if labels.size == 0 or labels.min() < 0 or labels.max() > MAX_LABEL:
        raise DataError(
            f"Mask {path} has values from {labels.min(initial=0)} to {labels.max(initial=0)}; expected 0 to "
            f"{MAX_LABEL}.",
            "Save it as 8- or 16-bit PNG.",
        )
    return labels


def _labels(picture: Image.Image, path: Path) -> np.ndarray:
    mode = picture.mode
    if mode == "1":
        return np.asarray(picture).astype(np.uint8)
    if mode in ("L", "P", "I") or mode.startswith("I;16"):
        return np.asarray(picture)
    if mode in ("LA", "PA"):
        _refuse_alpha(picture, path)
        return np.asarray(picture.getchannel(0))
    if mode in ("RGB", "RGBA"):
        _refuse_alpha(picture, path)
        channels = np.asarray(picture)
        red = channels[..., 0]
        if (channels[..., 1] == red).all() and (channels[..., 2] == red).all():
            return red
        raise DataError(
            f"Mask {path} is a colour picture; expected one number per pixel, a class or an instance.",
            "Save it as 8- or 16-bit grey PNG (or with a palette); an overlay or a picture of colours cannot be read.",
        )
    raise DataError(f"Mask {path} has colour mode {mode}; expected 8- or 16-bit grey.", "Save it as 8- or 16-bit PNG.")


def _refuse_alpha(picture: Image.Image, path: Path) -> None:
    """A mask hidden in the alpha channel would be read as all background."""
    if picture.mode.endswith("A") and picture.getchannel("A").getextrema() != (255, 255):
        raise DataError(f"Mask {path} has transparent pixels; expected one number per pixel.", "Save it without alpha.")


def _refuse_deep_colour(picture: Image.Image, path: Path) -> None:
    """Of colour pictures with 16 bit per channel Pillow keeps the upper 8, so that small labels become 0."""
    if picture.mode in ("RGB", "RGBA") and ";16" in str(getattr(picture, "tile", "")):
        raise DataError(f"Mask {path} has three channels of 16 bit; expected one.", "Save one channel as 16-bit PNG.")


def _refuse_losses(picture: Image.Image, path: Path) -> None:
    """Compression with losses makes up values along every edge."""
    lossy = picture.format in ("JPEG", "MPO") or (picture.format == "WEBP" and not _is_lossless_webp(path))
    if lossy:
        raise DataError(
            f"Mask {path} is {picture.format} compressed with losses, which changes its values along every edge.",
            "Make the mask again as PNG; saving this one as PNG does not mend it.",
        )


def _is_lossless_webp(path: Path) -> bool:
    """Walk the chunks of a WebP file to its pixels: ``VP8L`` is lossless, ``VP8 `` is not."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 "):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False
