"""PNG files of 16 bits keep all their bits, also with an alpha channel, as images and as masks."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from samtailor.data import image_key, read_image
from samtailor.data.pixels.deep_png import read_deep_png
from samtailor.data.pixels.masks import read_labels
from samtailor.errors import DataError

_TYPES = {2: 4, 3: 2, 4: 6}  # channels -> colour type


def png(path: Path, values: np.ndarray) -> Path:
    """Write (H, W, channels) uint16 as a PNG file, with the filter ``Up`` in every second row."""
    height, width, channels = values.shape
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8).reshape(height, -1)
    content = b""
    for n, row in enumerate(rows):
        content += b"\2" + (row - rows[n - 1]).tobytes() if n % 2 else b"\0" + row.tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, _TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(content)), (b"IEND", b""))
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_all_bits_are_read(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7, channels)).astype(np.uint16)
    path = png(tmp_path / "a.png", values)
    assert (read_deep_png(path) == values[..., : min(channels, 3)]).all()


def test_grey_with_alpha_is_stretched_like_grey(tmp_path: Path) -> None:
    grey = (300 + np.arange(6912).reshape(72, 96) % 600).astype(np.uint16)
    path = png(tmp_path / "a.png", np.dstack([grey, np.full_like(grey, 65535)]))
    assert (read_image(path) == read_image(grey)).all() and len(np.unique(read_image(path))) > 200
    assert image_key(path) != image_key(png(tmp_path / "b.png", np.dstack([grey, grey])))


def test_labels_of_16_bits_with_alpha_keep_their_values(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1], [2, 300, 300]], dtype=np.uint16)
    opaque = np.full_like(labels, 65535)
    assert (read_labels(png(tmp_path / "a.png", np.dstack([labels, opaque]))) == labels).all()
    with pytest.raises(DataError, match="transparent pixels"):
        read_labels(png(tmp_path / "b.png", np.dstack([labels, opaque - labels])))
