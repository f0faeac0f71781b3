"""Read a picture from any source as (H, W, 3) uint8 RGB, upright."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.bands import band_words
from samtailor.data.pixels.deep_png import is_deep_png, read_deep_png, start_of
from samtailor.data.pixels.depth import stretch
from samtailor.data.pixels.limits import MAX_PIXELS
from samtailor.data.pixels.pillow import is_file, open_picture, size_upright, upright
from samtailor.data.pixels.tiff import Tiff, read_tags, turned
from samtailor.errors import ImageError
from samtailor.machine.reading import open_regular

__all__ = [
    "MAX_PIXELS",
    "ImageSource",
    "image_key",
    "image_size",
    "own_tiff",
    "read_image",
    "stored_values",
    "unread_bands",
]

ImageSource = str | Path | Image.Image | np.ndarray

_KEY_BYTES = 16
_CHUNK = 1 << 20
_STRIP = 1 << 22
"""Pixels that are converted to RGB at once."""
_DEEP = b"percentiles:"  # part of the keys of pictures that ``stretch`` scales; another scale needs another word


def read_image(source: ImageSource) -> np.ndarray:
    """Read a picture.

    EXIF rotation is applied. Grey becomes RGB. Alpha is dropped; the colours under it stay. Files of more than 8 bits,
    grey or colour, whole numbers or floats, are scaled linearly: the lowest 0.5 % of the values become 0 and the
    highest 0.5 % become 255 (see ``stretch``). Of a TIFF file with more bands than three,
    the first three are read if they are red, green and blue.

    Args:
        source: a file, a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) in RGB order, of bool,
            uint8, uint16 (scaled as above), other integers within 0..255, or floats within 0..1.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous. It never shares memory with ``source``.

    Raises:
        ImageError: the file cannot be read, or the array has a wrong shape, type or range.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, "array")
    if isinstance(source, Image.Image):
        try:
            source.load()  # Pillow reads the file only here
        except OSError as error:
            raise ImageError(
                f"The Pillow image cannot be read: {error}.", "Its file is damaged: copy it again."
            ) from error
        return _decode(source, "Pillow image")
    path = _as_path(source)
    if (tiff := own_tiff(path)) is not None:
        values = turned(stored_values(tiff), tiff.orientation)
        return _to_rgb(values if values.dtype == np.uint8 else stretch(values, tiff.nodata))
    if is_deep_png(path):
        deep = read_deep_png(path)
        return _to_rgb(stretch(deep if deep.shape[2] == 3 else deep[..., 0]))
    with open_picture(path) as picture:
        return _decode(picture, str(source))


def image_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in pixels after EXIF rotation, from the header of the file.

    Raises:
        ImageError: the file is missing or its header cannot be read.
    """
    path = _as_path(path)
    if (tiff := own_tiff(path)) is not None:
        tiff.check()
        return (tiff.height, tiff.width) if tiff.orientation > 4 else (tiff.width, tiff.height)
    with open_picture(path) as picture:
        return size_upright(picture)


def unread_bands(path: str | Path) -> tuple[int, int, str]:
    """Return the number of bands of a file, how many of them are neither colours nor transparency, and which are read.

    Only TIFF files may have such bands; others give (0, 0, "").
    """
    tiff = _tags(_as_path(path))
    return (tiff.bands, tiff.unread_bands, band_words(tiff.picture_bands)) if tiff else (0, 0, "")


def image_key(source: ImageSource) -> str:
    """Return a key for the content of a picture: a blake2b digest of 32 hex digits.

    The key of a file depends on its bytes; that of an array on its shape, dtype and values; that of a Pillow image on
    the pixels that ``read_image`` returns. So a picture has different keys as a file and as an array. The keys of deep
    pictures also contain the way in which they are scaled to 8 bits.

    Raises:
        ImageError: the file cannot be read, or the array holds no numbers.
    """
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    if isinstance(source, (np.ndarray, Image.Image)):
        pixels = source if isinstance(source, np.ndarray) else read_image(source)
        if pixels.dtype.kind not in "buif":
            raise ImageError(f"An image array has dtype {pixels.dtype}; expected numbers.", "Convert it to uint8.")
        kind = "array" if isinstance(source, np.ndarray) else "pillow"
        digest.update(_DEEP if pixels.dtype == np.uint16 else b"")
        digest.update(f"{kind}:{pixels.shape}:{pixels.dtype.str}:".encode())
        digest.update(pixels.tobytes())
        return digest.hexdigest()
    path = _as_path(source)
    digest.update((_DEEP if _is_deep(path) else b"") + b"file:")
    try:
        with open_regular(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ImageError(
            f"Image {path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    return digest.hexdigest()


def _as_path(source: object) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(
            f"An image is a {type(source).__name__}; expected a path, a Pillow image or an array.",
            "Pass the path of the file.",
        )
    return Path(os.fsdecode(source)).expanduser()


def _tags(path: Path) -> Tiff | None:
    try:
        return read_tags(path) if is_file(path) else None
    except OSError:  # open_picture says why
        return None


def own_tiff(path: Path) -> Tiff | None:
    """Return a TIFF file that Pillow cannot read as well as ``Tiff.read``; None for any other file."""
    tiff = _tags(path)
    return tiff if tiff and tiff.needs_own_reader else None


def stored_values(tiff: Tiff) -> np.ndarray:
    """Return the stored values; any error of a damaged file becomes an ImageError."""
    try:
        return tiff.read()
    except ImageError:
        raise
    except Exception as error:  # as in open_picture
        cause = str(error).strip() or type(error).__name__
        raise ImageError(
            f"Image {tiff.path} cannot be read: {cause}.", "Copy the file again or save it as PNG."
        ) from error


def _is_deep(path: Path) -> bool:
    """Return True if ``stretch`` scales the picture, from its header; False if the header cannot be read."""
    head = start_of(path, 132)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return head[24:25] == b"\x10"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        tiff = _tags(path)
        return tiff is not None and tiff.is_deep
    if (
        head[:2] in (b"P5", b"P2", b"Pf", b"PF")
        or head[128:] == b"DICM"
        or head[4:8] == b"jP  "
        or head[:4] == b"\xff\x4f\xff\x51"
    ):
        try:
            with open_picture(path) as picture:
                return picture.mode == "I" or picture.mode.startswith("I;16")
        except ImageError:
            return False
    return False


def _decode(picture: Image.Image, name: str) -> np.ndarray:
    """Return the pixels of a Pillow image, upright, (H, W, 3) uint8."""
    if 0 in picture.size:
        raise ImageError(
            f"{name} is empty: {picture.size[0]} x {picture.size[1]} pixels; expected at least one pixel.", "Remove it."
        )
    picture.load()
    picture = upright(picture)
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return _to_rgb(stretch(np.asarray(picture)))
    if picture.mode == "F":
        values = np.asarray(picture)
        return _from_array(values, name) if values.min() >= 0 and values.max() <= 1 else _to_rgb(stretch(values))
    if picture.mode == "P":  # via RGBA, because a palette may have its own transparency
        picture = picture.convert("RGBA")
    try:
        return _rgb_pixels(picture)
    except ValueError as error:
        raise ImageError(
            f"{name} has colour mode {picture.mode}; expected grey or RGB.", "Save it as an RGB PNG."
        ) from error


def _rgb_pixels(picture: Image.Image) -> np.ndarray:
    """Return the colours of a picture strip by strip: at once, a large photo would be in memory four times."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        pixels[top : top + rows] = np.asarray(strip.convert("RGB"))
    return pixels


def _from_array(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        channels_first = array.ndim == 3 and array.shape[0] in (1, 3, 4)
        raise ImageError(
            f"An image {name} has shape {array.shape}; expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).",
            "Move the channels to the last axis: array.transpose(1, 2, 0)."
            if channels_first
            else "Pass one image at a time.",
        )
    if array.size == 0:
        raise ImageError(f"An image {name} is empty: shape {array.shape}; expected at least one pixel.", "Remove it.")
    return _to_rgb(_to_uint8(array[..., :3] if array.ndim == 3 else array, name))


def _to_uint8(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return stretch(values)
    if values.dtype.kind not in "iuf":
        raise ImageError(f"An image {name} has dtype {values.dtype}; expected numbers.", "Convert it to uint8.")
    top = 1 if values.dtype.kind == "f" else 255
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= top):  # also True for NaN
        raise ImageError(
            f"An image {name} of {values.dtype} has values from {low} to {high}; expected 0 to {top}.",
            "Scale it to uint8 (0 to 255), or pass uint16, which samtailor scales.",
        )
    if values.dtype.kind == "f":
        return np.rint(values.astype(np.float64) * 255).astype(np.uint8)
    return values.astype(np.uint8)


def _to_rgb(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        values = values[..., None]
    return np.array(np.broadcast_to(values, (*values.shape[:2], 3)), dtype=np.uint8, order="C")
