"""Read a picture together with its key, also while another program replaces the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.pixels.images import image_key, read_image
from samtailor.errors import ImageError

__all__ = ["read_as", "read_with_key"]

ATTEMPTS = 5


def read_with_key(path: str | Path) -> tuple[str, np.ndarray]:
    """Return the key of a file and its pixels, both of the same content.

    Raises:
        ImageError: the file cannot be read, or is replaced during each of five attempts.
    """
    key = image_key(path)
    for _ in range(ATTEMPTS):
        pixels = read_image(path)
        key_before, key = key, image_key(path)
        if key == key_before:
            return key, pixels
    raise ImageError(f"Image {path} changes while it is read.", "Wait until the program that writes it is done.")


def read_as(path: str | Path, key: str) -> np.ndarray:
    """Return the pixels of the file whose key is ``key``.

    Raises:
        ImageError: the file cannot be read, or has another content by now.
    """
    new_key, pixels = read_with_key(path)
    if new_key != key:
        raise ImageError(
            f"Image {path} was replaced by another picture while it was in use.", "Start again with files that stay."
        )
    return pixels
