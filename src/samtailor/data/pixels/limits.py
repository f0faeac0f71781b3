"""Limits on the size of pictures, checked before their pixels are decoded."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from samtailor.errors import ImageError

__all__ = ["MAX_PIXELS", "MAX_SIDE", "check_size", "open_embedded", "without_pillows_limit"]

MAX_PIXELS = 400_000_000
MAX_SIDE = 200_000
"""Pixels of the longer side. Pillow keeps pointers to each row: 400 million rows of one pixel take 10 GB."""

_lock = threading.Lock()
_users = 0
_users_limit: int | None = None


def check_size(path: Path, width: int, height: int) -> None:
    """Raise ImageError if a picture is empty, or larger than ``MAX_PIXELS`` or ``MAX_SIDE``."""
    if width < 1 or height < 1:
        raise ImageError(f"Image {path} has {width} x {height} pixels; expected at least one.", "Remove it.")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"Image {path} has {width} x {height} pixels; expected at most {MAX_PIXELS // 1_000_000} million.",
            "Cut it into tiles or scale it down.",
        )
    if max(width, height) > MAX_SIDE:
        raise ImageError(
            f"Image {path} has {width} x {height} pixels; expected sides of at most {MAX_SIDE:,} pixels.",
            "Cut it into tiles.",
        )


@contextmanager
def open_embedded(content: bytes, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """Open a picture that is inside another file, such as a mask as base64 text.

    Raises:
        ValueError: it is larger than ``MAX_PIXELS`` or ``MAX_SIDE``. Pillow raises other types on damaged bytes.
    """
    with without_pillows_limit(), Image.open(io.BytesIO(content), formats=formats) as picture:
        width, height = picture.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise ValueError(f"it has {width} x {height} pixels")
        yield picture


@contextmanager
def without_pillows_limit() -> Iterator[None]:
    """Switch off Pillow's own size limit, a global, while any thread is inside; ``check_size`` is used instead."""
    global _users, _users_limit
    with _lock:
        if _users == 0:
            _users_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                Image.MAX_IMAGE_PIXELS = _users_limit
