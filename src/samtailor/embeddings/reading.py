"""Read a picture together with the key of exactly the content that was decoded."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.pixels.pillow import is_special
from samtailor.errors import ImageError

__all__ = ["ReadPicture", "read_as", "read_picture"]

ATTEMPTS = 2
"""Readings of a file that changes meanwhile, before a private copy of it is read."""


@dataclass(frozen=True)
class ReadPicture:
    """A decoded picture and the key of its content.

    Attributes:
        key: from ``image_key``; of the same content as ``pixels``.
        pixels: (H, W, 3) uint8 RGB.
    """

    key: str
    pixels: np.ndarray


def read_picture(source: str | Path | Image.Image | np.ndarray) -> ReadPicture:
    """Read a picture and compute its key, also if another program replaces the file meanwhile.

    Key and pixels always belong to one content: an embedding that is stored under the key of another picture would be
    found by everyone who opens that picture later.

    Raises:
        ImageError: it cannot be read or is not an image.
    """
    if not isinstance(source, str | Path):
        return ReadPicture(image_key(source), read_image(source))
    path = Path(source)
    if is_special(path):
        raise ImageError(f"Image {path} is a pipe or a device; expected a file.", "Pass a copy of its content.")
    for _ in range(ATTEMPTS):
        before = _state(path)
        picture = ReadPicture(image_key(path), read_image(path))
        if _state(path) == before:
            return picture
    with tempfile.TemporaryDirectory(prefix="samtailor-") as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise ImageError(
                f"Image {path} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
            ) from error
        return ReadPicture(image_key(copy), read_image(copy))


def read_as(path: str | Path, key: str) -> np.ndarray:
    """Return the pixels of the file whose key is ``key``.

    Raises:
        ImageError: the file cannot be read, or has another content by now.
    """
    picture = read_picture(path)
    if picture.key != key:
        raise ImageError(
            f"Image {path} was replaced by another image while it was in use.", "Start again with files that stay."
        )
    return picture.pixels


def _state(path: Path) -> tuple[int, ...] | None:
    """Return what changes if a file is replaced or written; None if there is no file, which the readers report."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
