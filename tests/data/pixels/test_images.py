"""Pictures from files, Pillow images and arrays are read as (H, W, 3) uint8 RGB, upright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image

from samtailor.data import image_key, image_size, read_image
from samtailor.errors import ImageError
from tests.data.helpers import save

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


def check_form(image: np.ndarray) -> None:
    """Check the form that ``read_image`` promises."""
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


def test_grey_becomes_rgb(tmp_path: Path) -> None:
    assert (read_image(save(tmp_path / "bool.png", GREY > 128)) == ((GREY > 128) * 255)[..., None]).all()
    assert (read_image(save(tmp_path / "grey.png", GREY)) == GREY[..., None]).all()


def test_palettes_are_applied_and_alpha_is_dropped(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOUR).quantize(8)
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (read_image(tmp_path / "palette.png") == np.asarray(palette.convert("RGB"))).all()
    clear = np.dstack([COLOUR, np.zeros((5, 7), dtype=np.uint8)])
    assert (read_image(save(tmp_path / "rgba.png", clear)) == COLOUR).all()
    assert (read_image(save(tmp_path / "la.png", clear[..., 2:])) == COLOUR[..., 2:]).all()


def test_other_colour_modes_become_rgb() -> None:
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


def test_a_float_picture_is_scaled_to_bytes(tmp_path: Path) -> None:
    good = save(tmp_path / "good.tif", np.array([[0, 0.5, 1]], dtype=np.float32))
    assert read_image(good)[0, :, 0].tolist() == [0, 128, 255]
    wide = save(tmp_path / "wide.tif", np.array([[0, 3.5, 7]], dtype=np.float32))
    assert read_image(wide)[0, :, 0].tolist() == [0, 128, 255]


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_grey_arrays_of_any_form_give_the_same_picture(array: np.ndarray) -> None:
    image = read_image(array)
    check_form(image)
    assert (image == array[..., None]).all()
    assert (read_image(array[..., None]) == image).all()
    assert (read_image(np.dstack([array] * 4)) == image).all()
    assert (read_image(array.astype(np.int64)) == image).all()
    assert (read_image(array / 255.0) == image).all()
    assert (read_image(np.asfortranarray(array)) == image).all()
    assert (read_image(Image.fromarray(array)) == image).all()


def test_reading_copies_the_array() -> None:
    array = COLOUR.copy()
    read_image(array)[:] = 0
    assert (array == COLOUR).all()


BAD_ARRAYS = {
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


@pytest.mark.parametrize("cause", BAD_ARRAYS)
def test_bad_arrays_are_errors(cause: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(BAD_ARRAYS[cause])
    assert cause in str(caught.value)


def test_channels_first_and_other_types_get_a_hint() -> None:
    with pytest.raises(ImageError, match="transpose"):
        read_image(BAD_ARRAYS["(3, 5, 7)"])
    with pytest.raises(ImageError, match=r"is a list; expected a path.* Pass the path"):
        read_image([[1]])  # type: ignore[arg-type]


def test_a_picture_of_one_row_is_read() -> None:
    assert read_image(np.zeros((1, 4000), dtype=np.uint8)).shape == (1, 4000, 3)


def test_the_key_of_a_file_depends_on_its_bytes(tmp_path: Path) -> None:
    key = image_key(save(tmp_path / "a.png", COLOUR))
    assert len(key) == 32 and int(key, 16) >= 0
    assert image_key(str(save(tmp_path / "b.png", COLOUR))) == key
    assert image_key(save(tmp_path / "c.png", GREY)) != key
    with pytest.raises(ImageError, match=r"absent\.png"):
        image_key(tmp_path / "absent.png")


def test_the_key_of_an_array_depends_on_its_values_shape_and_type() -> None:
    key = image_key(COLOUR)
    assert key != image_key(Image.fromarray(COLOUR))
    assert key == image_key(np.asfortranarray(COLOUR))
    assert image_key(GREY.reshape(7, 5)) != image_key(GREY)
    assert image_key(GREY.view(np.int8)) != image_key(GREY)
    with pytest.raises(ImageError, match="object"):
        image_key(np.full((2, 2), None))
