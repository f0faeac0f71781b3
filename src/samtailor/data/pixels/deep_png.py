"""Read all bits of PNG files of 16 bits with several channels, of which Pillow keeps the upper 8."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.machine.reading import open_regular

__all__ = ["is_deep_grey_alpha", "is_deep_png", "read_deep_png", "start_of"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_ALPHA, _COLOURS = 4, (2, 6)  # colour types in the header


def is_deep_png(path: Path) -> bool:
    """Return True for a PNG file with colours, or grey and alpha, of 16 bits."""
    head = start_of(path, 26)
    return head[:8] == _SIGNATURE and head[24:25] == b"\x10" and head[25:] in (b"\x02", b"\x04", b"\x06")


def is_deep_grey_alpha(path: Path) -> bool:
    """Return True for a PNG file with grey and alpha of 16 bits."""
    return is_deep_png(path) and start_of(path, 26)[25] == _GREY_ALPHA


def read_deep_png(path: Path) -> np.ndarray:
    """Return the colours (H, W, 3), or grey and alpha (H, W, 2), as uint16, upright.

    Raises:
        ImageError: the file is damaged or too large.
    """
    if is_deep_grey_alpha(path):
        with open_picture(path) as picture:  # checks the size, and knows the rotation
            picture.load()
            content = bytearray(path.read_bytes())
            # A pixel of two channels of 16 bits has the same bytes as one of four channels of 8 bits.
            content[24:26] = b"\x08\x06"
            content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
            with Image.open(io.BytesIO(content), formats=("PNG",)) as split:
                parts = np.asarray(upright(split)).astype(np.uint16)
        return parts[..., 0::2] << 8 | parts[..., 1::2]
    halves = []
    for order in "BL":  # Pillow keeps the upper 8 bits, or the lower ones if it is told the other order of bytes
        with open_picture(path) as picture:
            opened: Any = picture
            opened.tile = [tile._replace(args=str(tile.args)[:-1] + order) for tile in opened.tile]
            picture.load()
            halves.append(np.asarray(upright(picture))[..., :3].astype(np.uint16))
    return halves[0] << 8 | halves[1]


def start_of(path: Path, size: int) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(size)
    except OSError:
        return b""
