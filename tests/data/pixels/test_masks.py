"""Labels of mask pictures are read exactly, and pictures whose values may be wrong are refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data.pixels.masks import read_labels
from tests.data.helpers import data_error, save

LABELS = np.array([[0, 0, 1, 1], [0, 7, 7, 1], [2, 2, 0, 0]], dtype=np.uint8)
TRIPLE = np.dstack([LABELS] * 3)
COLOUR = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)


@given(hnp.arrays(np.uint16, SHAPES, elements=st.integers(0, 65535)))
def test_labels_of_16_bits_are_read(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("labels")
    for suffix in ("png", "tif"):
        assert (read_labels(save(folder / f"a.{suffix}", labels)) == labels).all()


@given(hnp.arrays(np.uint8, SHAPES))
def test_labels_of_8_bits_are_read(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("labels")
    palette = Image.fromarray(labels)
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
    palette.save(folder / "palette.png")
    triple = np.dstack([labels] * 3)
    paths = [
        folder / "palette.png",
        *(save(folder / f"grey.{suffix}", labels) for suffix in ("png", "tif", "bmp")),
        *(save(folder / f"triple.{suffix}", triple) for suffix in ("png", "tif", "bmp")),
        save(folder / "triple.webp", triple, lossless=True),
        save(folder / "solid.png", np.dstack([triple, np.full_like(labels, 255)])),
    ]
    for path in paths:
        assert (read_labels(path) == labels).all(), path.name
    assert (read_labels(save(folder / "bool.png", labels > 9)) == (labels > 9)).all()


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    expected = np.rot90(LABELS, -1)
    assert (read_labels(save(tmp_path / "a.png", LABELS, exif=exif)) == expected).all()
    webp = save(tmp_path / "a.webp", TRIPLE, exif=exif.tobytes(), lossless=True)  # its pixels follow other chunks
    assert (read_labels(webp) == expected).all()


@pytest.mark.parametrize(
    ("name", "array", "options", "cause"),
    [
        ("a.png", COLOUR, {}, "colour picture"),
        ("a.png", np.dstack([TRIPLE, LABELS]), {}, "transparent"),
        ("a.tif", LABELS.astype(np.float32) + 0.5, {}, "0.5"),
        ("a.tif", LABELS.astype(np.int32) - 1, {}, "from -1 to 6"),
        ("a.tif", LABELS.astype(np.int32) * 10000, {}, "from 0 to 70000"),
        ("a.webp", COLOUR, {"quality": 50}, "lossy WEBP"),
        ("a.png", LABELS, {"format": "JPEG"}, "lossy JPEG"),
    ],
)
def test_pictures_without_exact_labels_are_errors(
    tmp_path: Path, name: str, array: np.ndarray, options: dict[str, object], cause: str
) -> None:
    path = save(tmp_path / name, array, **options)
    with data_error(f"Mask {path}", cause):
        read_labels(path)


def test_a_damaged_mask_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with data_error("Mask", "a.png is damaged"):
        read_labels(tmp_path / "a.png")


def test_three_channels_of_16_bits_are_an_error(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + b"\0\1" * 6) * 2  # two rows of two pixels, each channel 1
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    path = tmp_path / "deep.png"
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with data_error("deep.png has three channels of 16 bits"):
        read_labels(path)
