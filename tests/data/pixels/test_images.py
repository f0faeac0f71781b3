"""Pictures from files, Pillow images and arrays come out as (H, W, 3) uint8 RGB, upright, or as an ImageError."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import image_key, image_size, read_image
from samtailor.data.pixels import pillow
from samtailor.errors import ImageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def check_form(image: np.ndarray) -> None:
    assert image.dtype == np.uint8
    assert image.ndim == 3 and image.shape[2] == 3
    assert image.flags.c_contiguous and image.flags.writeable


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_files_keep_their_pixels(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", COLOUR, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(str(path))
    check_form(image)
    assert (image == COLOUR).all()
    assert image_size(path) == (7, 5)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_exif_rotation_is_applied_to_pixels_and_size(tmp_path: Path, suffix: str, turn: int) -> None:
    blocks = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40, np.ones((16, 16), dtype=np.uint8))
    picture = Image.fromarray(np.dstack([blocks] * 3))
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    picture.save(path, exif=exif.tobytes(), **options)
    image = read_image(path)
    expected = TURNED[turn](blocks)
    check_form(image)
    assert image.shape[:2] == expected.shape
    assert np.abs(image[..., 0].astype(int) - expected).max() <= (6 if suffix == "jpg" else 0)
    assert image_size(path) == (image.shape[1], image.shape[0])
    with Image.open(path) as opened:
        assert (read_image(opened) == image).all()


def test_damaged_exif_leaves_the_picture_usable(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(COLOUR).save(path, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert read_image(path).shape == (5, 7, 3)
    assert image_size(path) == (7, 5)


def test_one_bit_grey_palette_and_alpha(tmp_path: Path) -> None:
    assert (read_image(save(tmp_path / "bool.png", GREY > 128)) == ((GREY > 128) * 255)[..., None]).all()
    assert (read_image(save(tmp_path / "grey.png", GREY)) == GREY[..., None]).all()
    palette = Image.fromarray(COLOUR).quantize(8)
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (read_image(tmp_path / "palette.png") == np.asarray(palette.convert("RGB"))).all()
    clear = np.dstack([COLOUR, np.zeros((5, 7), dtype=np.uint8)])
    assert (read_image(save(tmp_path / "rgba.png", clear)) == COLOUR).all()
    assert (read_image(save(tmp_path / "la.png", clear[..., 2:])) == COLOUR[..., 2:]).all()


def test_cmyk_and_many_colour_modes() -> None:
    for mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        check_form(read_image(Image.new(mode, (4, 3))))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_is_scaled_by_its_own_range(tmp_path: Path, suffix: str) -> None:
    deep = np.array([[1000, 2000], [3000, 1500]], dtype=np.uint16)
    image = read_image(save(tmp_path / f"deep.{suffix}", deep))
    assert image[..., 0].tolist() == [[0, 128], [255, 64]]
    assert (read_image(deep) == image).all()
    flat = save(tmp_path / f"flat.{suffix}", np.full((2, 2), 700, dtype=np.uint16))
    assert not read_image(flat).any()


def test_float_tiff_must_lie_in_0_to_1(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "good.tif", np.array([[0, 0.5, 1]], dtype=np.float32)))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]
    with pytest.raises(ImageError, match=r"bad\.tif.*7\.0"):
        read_image(save(tmp_path / "bad.tif", np.array([[0, 7]], dtype=np.float32)))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_grey_arrays_of_any_form_agree(array: np.ndarray) -> None:
    image = read_image(array)
    check_form(image)
    assert (image == array[..., None]).all()
    assert (read_image(array[..., None]) == image).all()
    assert (read_image(np.dstack([array] * 4)) == image).all()
    assert (read_image(array.astype(np.int64)) == image).all()
    assert (read_image(array / 255.0) == image).all()
    assert (read_image(np.asfortranarray(array)) == image).all()
    assert (read_image(Image.fromarray(array)) == image).all()


@given(st.binary(min_size=1, max_size=200), st.integers(0, 400))
def test_damaged_bytes_never_escape_as_other_errors(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    whole = buffer.getvalue()
    path = tmp_path_factory.mktemp("junk") / "a.png"
    path.write_bytes(whole[:at] + junk)
    try:
        check_form(read_image(path))
    except ImageError as error:
        assert str(path) in str(error)


def test_reading_copies() -> None:
    array = COLOUR.copy()
    read_image(array)[:] = 0
    assert (array == COLOUR).all()


def test_bad_arrays_are_refused() -> None:
    bad = {
        "(3, 5, 7)": COLOUR.transpose(2, 0, 1),
        "(5, 7, 2)": COLOUR[..., :2],
        "(7,)": COLOUR[0, :, 0],
        "empty": COLOUR[:0],
        "1.5": np.full((2, 2), 1.5),
        "nan": np.full((2, 2), np.nan),
        "-1": np.full((2, 2), -1),
        "256": np.full((2, 2), 256, dtype=np.int32),
        "complex": np.zeros((2, 2), dtype=complex),
        "object": np.full((2, 2), None),
    }
    for word, array in bad.items():
        with pytest.raises(ImageError) as caught:
            read_image(array)
        assert word in str(caught.value)
    with pytest.raises(ImageError, match="transpose"):
        read_image(bad["(3, 5, 7)"])
    with pytest.raises(ImageError, match="list"):
        read_image([[1]])  # type: ignore[arg-type]


def test_bad_files_are_named(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.png", RNG.integers(0, 256, (50, 50, 3), dtype=np.uint8)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    causes = {
        "cut.png": "cannot be read",
        "text.png": "damaged or in no format",
        "empty.png": "empty file",
        "folder.png": "folder",
        "absent.png": "does not exist",
        f"{'n' * 300}.png": "does not exist",
    }
    for name, cause in causes.items():
        with pytest.raises(ImageError) as caught:
            read_image(tmp_path / name)
        assert name in str(caught.value) and cause in str(caught.value)
    with pytest.raises(ImageError, match=r"absent\.png"):
        image_key(tmp_path / "absent.png")


def test_programs_in_postscript_are_not_run(tmp_path: Path) -> None:
    path = tmp_path / "a.eps"
    Image.fromarray(COLOUR).save(path)
    with pytest.raises(ImageError, match="no format"):
        read_image(path)


def test_stacks_are_refused_and_previews_are_not(tmp_path: Path) -> None:
    page = Image.fromarray(GREY)
    page.save(tmp_path / "stack.tif", save_all=True, append_images=[page, page])
    page.save(tmp_path / "preview.tif", save_all=True, append_images=[page.resize((3, 2))])
    with pytest.raises(ImageError, match=r"stack\.tif.*3 TIFF pages"):
        read_image(tmp_path / "stack.tif")
    assert (read_image(tmp_path / "preview.tif") == GREY[..., None]).all()


def test_size_limit_is_ours_and_pillows_stays_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = save(tmp_path / "a.png", COLOUR)
    assert read_image(path).shape == (5, 7, 3)
    assert Image.MAX_IMAGE_PIXELS == 10
    monkeypatch.setattr(pillow, "MAX_PIXELS", 34)
    with pytest.raises(ImageError, match=r"a\.png has 7 x 5 pixels"):
        image_size(path)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_strips_are_pictures() -> None:
    assert read_image(np.zeros((1, 4000), dtype=np.uint8)).shape == (1, 4000, 3)


def test_keys_follow_the_content(tmp_path: Path) -> None:
    path, twin = save(tmp_path / "a.png", COLOUR), save(tmp_path / "b.png", COLOUR)
    key = image_key(path)
    assert len(key) == 32 and int(key, 16) >= 0
    assert image_key(str(twin)) == key
    other = image_key(COLOUR)
    assert other != key and other != image_key(Image.fromarray(COLOUR))
    assert other == image_key(np.asfortranarray(COLOUR))
    assert image_key(GREY.reshape(7, 5)) != image_key(GREY)
    assert image_key(GREY.view(np.int8)) != image_key(GREY)
    with pytest.raises(ImageError, match="object"):
        image_key(np.full((2, 2), None))
