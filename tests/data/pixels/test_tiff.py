"""TIFF files with many bands, deep colours and large numbers are read to the value."""

from __future__ import annotations

import hashlib
import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from samtailor.data import image_key, image_size, read_image
from samtailor.data.formats.mask_contents import read_mask_content
from samtailor.data.pixels import limits
from samtailor.data.pixels.bands import band_words, chosen_bands
from samtailor.data.pixels.images import unread_bands
from samtailor.data.pixels.masks import read_labels
from samtailor.data.pixels.tiff import read_tags
from samtailor.errors import DataError, ImageError

_KINDS = {"u": 1, "i": 2, "f": 3}


def tiff(
    path: Path,
    values: np.ndarray,
    order: str = "<",
    rows: int = 0,
    compress: bool = False,
    predict: bool = False,
    planar: bool = False,
    tags: dict[int, int] | None = None,
) -> Path:
    """Write an array (H, W) or (H, W, bands) as a TIFF file of one page."""
    values = values if values.ndim == 3 else values[..., None]
    height, width, bands = values.shape
    rows = rows or height
    planes = [values[..., n : n + 1] for n in range(bands)] if planar else [values]
    parts = []
    for plane, start in itertools.product(planes, range(0, height, rows)):
        part = plane[start : start + rows]
        if predict:
            whole = np.ascontiguousarray(part).view(f"u{part.dtype.itemsize}")
            part = np.concatenate([whole[:, :1], np.diff(whole, axis=1)], axis=1)
        content = part.astype(part.dtype.newbyteorder(order)).tobytes()
        parts.append(zlib.compress(content) if compress else content)
    entries = {256: [width], 257: [height], 258: [values.dtype.itemsize * 8] * bands, 259: [8 if compress else 1]}
    entries |= {262: [2 if bands >= 3 else 1], 277: [bands], 278: [rows], 284: [2 if planar else 1]}
    entries |= {317: [2 if predict else 1], 339: [_KINDS[values.dtype.kind]] * bands}
    entries |= {tag: [value] for tag, value in (tags or {}).items()}
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    sizes = [len(part) for part in parts]
    data = start + 4 * sum(len(n) for n in entries.values()) + 8 * len(parts)
    lists = {**entries, 273: [data + sum(sizes[:n]) for n in range(len(parts))], 279: sizes}
    body, directory = b"", struct.pack(f"{order}H", len(lists))
    for tag in sorted(lists):
        numbers = lists[tag]
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            packed, body = struct.pack(f"{order}I", start + len(body)), body + packed
        directory += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    path.write_bytes((head + directory + struct.pack(f"{order}I", 0) + body).ljust(data, b"\0") + b"".join(parts))
    return path


@pytest.mark.parametrize("dtype", ["u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"])
@pytest.mark.parametrize("bands", [2, 3, 4, 7])
def test_values_are_read_exactly(tmp_path: Path, dtype: str, bands: int) -> None:
    values = (np.random.default_rng(0).random((9, 11, bands)) * 200).astype(dtype)
    for order, rows, planar in itertools.product("<>", (0, 4), (False, True)):
        for compress, predict in ((False, False), (True, False), (True, True)):
            path = tiff(tmp_path / "a.tif", values, order, rows, compress, predict, planar)
            content = read_tags(path)
            assert content is not None and content.needs_own_reader and content.bands == bands
            assert (content.read() == values[..., : len(content.picture_bands)]).all()
            assert image_size(path) == (11, 9)


def test_deep_colours_are_scaled_together(tmp_path: Path) -> None:
    values = np.zeros((40, 50, 4), dtype=np.uint16)
    values[..., 0] = np.arange(2000).reshape(40, 50)
    values[..., 1], values[..., 3] = values[..., 0] // 2, 65535
    image = read_image(tiff(tmp_path / "a.tif", values))
    assert image[..., 0].max() == 255 and 120 <= image[..., 1].max() <= 140 and not image[..., 2].any()
    assert unread_bands(tmp_path / "a.tif")[:2] == (4, 1)
    assert unread_bands(tiff(tmp_path / "alpha.tif", values, tags={338: 2}))[:2] == (4, 0)


def test_hot_pixels_do_not_make_a_picture_black(tmp_path: Path) -> None:
    values = (300 + np.arange(6912).reshape(72, 96) % 600).astype(np.uint16)
    values[5, 5:9] = 65535
    for path in (tiff(tmp_path / "grey.tif", values), tiff(tmp_path / "rgb.tif", np.dstack([values] * 3))):
        low, high = np.percentile(read_image(path), (1, 99))
        assert low <= 5 and high >= 250
    assert (read_image(values) == read_image(tmp_path / "grey.tif")).all()


def test_a_deep_png_in_colour_keeps_all_bits(tmp_path: Path) -> None:
    values = (np.arange(3600).reshape(30, 40, 3) % 1500).astype(">u2")

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 40, 30, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    same = tiff(tmp_path / "a.tif", values.astype(np.uint16))
    assert (read_image(path) == read_image(same)).all() and len(np.unique(read_image(path))) == 256


def test_missing_pixels_of_a_map_do_not_count(tmp_path: Path) -> None:
    values = np.full((20, 30), -9999, dtype=np.float32)
    values[:, 5:] = 100 + np.arange(500).reshape(20, 25)
    values[0, 0] = np.nan
    path = tmp_path / "a.tif"
    content = tiff(path, values, tags={42113: 0}).read_bytes()
    text = struct.pack("<HHII", 42113, 2, 6, len(content))  # the tag of GDAL for missing pixels, as text
    at = content.index(struct.pack("<HHI", 42113, 4, 1))
    path.write_bytes(content[:at] + text + content[at + 12 :] + b"-9999\0")
    image = read_image(path)[..., 0]
    assert not image[:, :5].any() and image[19, 29] == 255 and 100 < image[9, 29] < 160


def test_rotation_is_applied(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.uint32).reshape(2, 3) * 1000
    path = tiff(tmp_path / "a.tif", values, tags={274: 6})
    assert image_size(path) == (2, 3)
    assert (read_image(path)[..., 0] == np.rot90(read_image(tiff(tmp_path / "b.tif", values))[..., 0], -1)).all()


def test_of_many_bands_the_first_three_or_the_named_ones_are_read(tmp_path: Path) -> None:
    values = np.arange(4 * 5 * 11, dtype=np.uint8).reshape(4, 5, 11)
    path = tiff(tmp_path / "a.tif", values, tags={262: 1})
    assert (read_image(path) == values[..., :3]).all() and image_size(path) == (5, 4)
    assert unread_bands(path) == (11, 8, "the first three make the picture")
    items = "".join(
        f'<Item name="DESCRIPTION" sample="{n}" role="description">{name}</Item>'
        for n, name in enumerate(("coastal", "Blue", "Green", "Red", "NIR"))
    )
    tags = {42112: (f"<GDALMetadata>{items}</GDALMetadata>",)}
    assert chosen_bands(11, False, tags) == (3, 2, 1)
    assert band_words((3, 2, 1)) == "4, 3 and 2, which the file calls red, green and blue, make the picture"
    assert chosen_bands(11, False, {42112: (items.replace("Blue", "Red"),)}) == (0, 1, 2)
    assert chosen_bands(11, True, tags) == (0, 1, 2)


def pages(path: Path, count: int, description: str, dtype: str = "u2") -> np.ndarray:
    """Write a TIFF file of several pages with a description; return their values (count, 6, 8)."""
    values = (np.arange(count * 48).reshape(count, 6, 8) * 200 % 60000).astype(dtype)
    first, *rest = (Image.fromarray(page) for page in values)
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[270] = description
    first.save(path, save_all=True, append_images=rest, tiffinfo=info)
    return values


OME = '<?xml version="1.0"?><OME><Image ID="i"><Pixels SizeC="{}" SizeT="1" SizeX="8" SizeZ="{}"/></Image></OME>'


@pytest.mark.parametrize("description", ["ImageJ=1.11a\nimages={0}\nchannels={0}\nhyperstack=true\n", OME])
def test_pages_that_are_channels_are_bands(tmp_path: Path, description: str) -> None:
    values = pages(tmp_path / "two.tif", 2, description.format(2, 1))
    assert (read_image(tmp_path / "two.tif") == read_image(values[0])).all()
    assert unread_bands(tmp_path / "two.tif")[:2] == (2, 1) and image_size(tmp_path / "two.tif") == (8, 6)
    values = pages(tmp_path / "three.tif", 3, description.format(3, 1), "u1")
    assert (read_image(tmp_path / "three.tif") == values.transpose(1, 2, 0)).all()
    assert unread_bands(tmp_path / "three.tif")[1] == 0


@pytest.mark.parametrize("description", ["ImageJ=1.11a\nimages=4\nchannels=2\nslices=2\n", OME.format(2, 2), "", "x"])
def test_pages_that_are_slices_are_a_stack(tmp_path: Path, description: str) -> None:
    pages(tmp_path / "a.tif", 4, description)
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match="stack of 4 TIFF pages"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["i8", "u8", "u4", "f8", "f4"])
def test_labels_of_any_type_are_read(tmp_path: Path, dtype: str) -> None:
    labels = np.array([[0, 0, 1, 1], [0, 7, 7, 300]]).astype(dtype)
    path = tiff(tmp_path / "a.tif", labels)
    assert (read_labels(path) == labels).all()
    content = read_mask_content(path, path, 4, 2)
    assert {value: area for value, (_, area) in content.masks.items()} == {1: 2, 7: 2, 300: 1}
    with pytest.raises(DataError, match="channels of"):
        read_labels(tiff(tmp_path / "b.tif", np.dstack([labels, labels + 1, labels])))


def test_damaged_deep_files_are_image_errors(tmp_path: Path) -> None:
    values = np.arange(9 * 11 * 3, dtype=np.uint16).reshape(9, 11, 3)
    whole = tiff(tmp_path / "a.tif", values, rows=4, compress=True, predict=True).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for _ in range(rng.integers(0, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        (tmp_path / "b.tif").write_bytes(content)
        for read in (read_image, image_size, image_key):
            try:
                read(tmp_path / "b.tif")
            except ImageError as error:
                assert "b.tif" in str(error)


def test_only_deep_pictures_have_new_keys(tmp_path: Path) -> None:
    grey = np.arange(99, dtype=np.uint8).reshape(9, 11)
    paths = {depth: tiff(tmp_path / f"{depth}.tif", grey.astype(f"u{depth // 8}")) for depth in (8, 16)}
    plain = {d: hashlib.blake2b(b"file:" + p.read_bytes(), digest_size=16).hexdigest() for d, p in paths.items()}
    assert image_key(paths[8]) == plain[8] and image_key(paths[16]) != plain[16]


def test_a_long_thin_picture_is_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = struct.pack(">IIBBBBB", 1, 399_999_999, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", 0x35AF061E))
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match="1 x 399999999 pixels; expected sides of at most 200,000"):
            read(path)
    monkeypatch.setattr(limits, "MAX_PIXELS", 20)
    with pytest.raises(ImageError, match="8 x 3 pixels"):
        read_image(tiff(tmp_path / "b.tif", np.zeros((3, 8), dtype=np.uint32)))


def test_tags_of_a_damaged_type_are_left_to_pillow(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", np.arange(24, dtype=np.uint32).reshape(3, 8))
    content = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", content, 4)[0] + 2
    places = range(start, start + 12 * struct.unpack_from("<H", content, start - 2)[0], 12)
    for place in places:
        tag = struct.unpack_from("<H", content, place)[0]
        changed = bytearray(content)
        struct.pack_into("<H", changed, place + 2, 7)  # bytes instead of numbers
        (tmp_path / "b.tif").write_bytes(changed)
        for read in (read_image, image_size, image_key, read_labels):
            try:
                read(tmp_path / "b.tif")
            except (DataError, ImageError) as error:
                assert "b.tif" in str(error), tag
