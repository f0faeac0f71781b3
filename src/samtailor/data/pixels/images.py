"""Read a picture from any source as (H, W, 3) uint8 RGB, upright."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.pillow import MAX_PIXELS, open_picture, size_upright, upright
from samtailor.errors import ImageError

__all__ = ["MAX_PIXELS", "ImageSource", "image_key", "image_size", "read_image"]

ImageSource = str | Path | Image.Image | np.ndarray

_KEY_BYTES = 16
_CHUNK = 1 << 20


def read_image(source: ImageSource) -> np.ndarray:
    """Read a picture.

    EXIF rotation is applied. Grey becomes RGB. Alpha is dropped; the colours under it stay. 16-bit and 32-bit integer
    grey is scaled linearly: the lowest value of the picture becomes 0 and the highest 255 (a constant picture becomes
    0).

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
    with open_picture(_as_path(source)) as picture:
        return _decode(picture, str(source))


def image_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in pixels after EXIF rotation, from the header of the file.

    Raises:
        ImageError: the file is missing or its header cannot be read.
    """
    with open_picture(_as_path(path)) as picture:
        return size_upright(picture)


def image_key(source: ImageSource) -> str:
    """Return a key for the content of a picture: a blake2b digest of 32 hex digits.

    The key of a file depends on its bytes; that of an array on its shape, dtype and values; that of a Pillow image on
    the pixels that ``read_image`` returns. So a picture has different keys as a file and as an array.

    Raises:
        ImageError: the file cannot be read, or the array holds no numbers.
    """
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    if isinstance(source, (np.ndarray, Image.Image)):
        pixels = source if isinstance(source, np.ndarray) else read_image(source)
        if pixels.dtype.kind not in "buif":
            raise ImageError(f"An image array has dtype {pixels.dtype}; expected numbers.", "Convert it to uint8.")
        kind = "array" if isinstance(source, np.ndarray) else "pillow"
        digest.update(f"{kind}:{pixels.shape}:{pixels.dtype.str}:".encode())
        digest.update(pixels.tobytes())
        return digest.hexdigest()
    path = _as_path(source)
    digest.update(b"file:")
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ImageError(
            f"Image {path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    return digest.hexdigest()


def _as_path(source: object) -> Path:
    if not isinstance(source, (str, Path)):
        raise ImageError(
            f"An image is a {type(source).__name__}; expected a path, a Pillow image or an array.",
            "Pass the path of the file.",
        )
    return Path(source)


def _decode(picture: Image.Image, name: str) -> np.ndarray:
    """Return the pixels of a Pillow image, upright, (H, W, 3) uint8."""
    if 0 in picture.size:
        raise ImageError(
            f"{name} is empty: {picture.size[0]} x {picture.size[1]} pixels; expected at least one pixel.", "Remove it."
        )
    picture.load()
    picture = upright(picture)
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return _to_rgb(_stretch(np.asarray(picture)))
    if picture.mode == "F":
        return _from_array(np.asarray(picture), name)
    if picture.mode == "P":  # via RGBA, because a palette may have its own transparency
        picture = picture.convert("RGBA")
    try:
        return np.array(picture.convert("RGB"), dtype=np.uint8, order="C")
    except ValueError as error:
        raise ImageError(
            f"{name} has colour mode {picture.mode}; expected grey or RGB.", "Save it as an RGB PNG."
        ) from error


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
        return _stretch(values)
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


def _stretch(values: np.ndarray) -> np.ndarray:
    """Scale integers linearly: the lowest to 0, the highest to 255."""
    low, high = int(values.min()), int(values.max())
    if low == high:
        return np.zeros(values.shape, dtype=np.uint8)
    return np.rint((values.astype(np.float64) - low) * (255.0 / (high - low))).astype(np.uint8)


def _to_rgb(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        values = values[..., None]
    return np.array(np.broadcast_to(values, (*values.shape[:2], 3)), dtype=np.uint8, order="C")
