"""Open picture files with Pillow: accepted formats, size limit, EXIF rotation, and errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from samtailor.data.pixels.limits import MAX_PIXELS, check_size, without_pillows_limit
from samtailor.data.pixels.other_formats import dicom_picture, is_dicom, register_heic
from samtailor.data.pixels.quiet import silence_decoders
from samtailor.errors import ImageError, SamtailorError

__all__ = [
    "MAX_PIXELS",
    "exif_turn",
    "has_rotation",
    "is_file",
    "is_special",
    "open_picture",
    "orientation",
    "size_upright",
    "upright",
]

logging.getLogger("PIL").addHandler(logging.NullHandler())  # Pillow prints causes that our errors state
silence_decoders()

# Pillow also knows formats that start programs (EPS) or are containers of something else; these are not accepted.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WIDTH_TAG, _HEIGHT_TAG, _ORIENTATION_TAG, _DESCRIPTION_TAG = 0x0100, 0x0101, 0x0112, 0x010E


@contextmanager
def open_picture(path: str | Path) -> Iterator[Image.Image]:
    """Open a picture file. Any error with the file, here or in the body of the ``with``, becomes an ImageError.

    Args:
        path: the file.

    Yields:
        The picture as Pillow opened it: the header is read; pixels are not decoded and not turned upright.

    Raises:
        ImageError: the file is missing, a folder, empty, not a picture, damaged, a stack of several pictures, or larger
            than ``MAX_PIXELS`` or ``MAX_SIDE``.
    """
    path = Path(path)
    if not is_file(path):
        state = "is a folder" if _is_true(path.is_dir) else "is a pipe or a device"
        state = state if _is_true(path.exists) else "does not exist"
        raise ImageError(f"Image {path} {state}; expected a picture file.", "Check the path.")
    try:
        if path.stat().st_size == 0:
            raise ImageError(f"Image {path} is an empty file; expected a picture.", "Copy the file again.")
        if is_dicom(path):
            yield dicom_picture(path)
            return
        register_heic(path)
        with without_pillows_limit(), Image.open(path, formats=_known_formats()) as picture:
            check_size(path, *picture.size)
            _check_single(picture, path)
            yield picture
    except SamtailorError:
        raise
    except UnidentifiedImageError as error:
        if stand_in := _stand_in(path):
            raise ImageError(f"Image {path} is {stand_in[0]}; expected a picture.", stand_in[1]) from error
        raise ImageError(
            f"Image {path} is damaged or has an unknown format; expected one of {', '.join(_known_formats())}.",
            "Save it again as PNG.",
        ) from error
    except PermissionError as error:
        raise ImageError(f"Image {path} cannot be read: {error.strerror}.", "Change its permissions.") from error
    except Exception as error:  # decoders raise many types on damaged bytes: OSError, SyntaxError, struct.error, ...
        cause = str(error).strip() or type(error).__name__
        raise ImageError(f"Image {path} cannot be read: {cause}.", "Copy the file again or save it as PNG.") from error


def is_file(path: Path) -> bool:
    """Return True if a file exists; False also for a name that the system cannot look up."""
    return _is_true(path.is_file)


def orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation to apply, 1 to 8; 1 if there is none or it is damaged."""
    if picture.format == "TIFF":  # Pillow rotates these itself
        return 1
    try:
        if picture.format == "PNG":  # its getexif() would decode the pixels
            exif: Any = Image.Exif()
            exif.load(picture.info.get("exif") or b"")
        else:
            exif = picture.getexif()
        value = exif.get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF is ignored; the pixels are still good
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def size_upright(picture: Image.Image) -> tuple[int, int]:
    """Return (width, height) in pixels after EXIF rotation, without decoding."""
    width, height = picture.size
    turn = orientation(picture)
    if picture.format == "TIFF":  # whether .size is rotated before loading depends on Pillow's version
        tags: Any = getattr(picture, "tag_v2", {})
        width, height = tags.get(_WIDTH_TAG, width), tags.get(_HEIGHT_TAG, height)
        turn = tags.get(_ORIENTATION_TAG, 1)
    return (height, width) if turn in (5, 6, 7, 8) else (width, height)


def upright(picture: Image.Image) -> Image.Image:
    """Return the picture after EXIF rotation."""
    turn = _TURNS.get(orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def has_rotation(path: Path) -> bool:
    """Return True if the EXIF rotation of a picture exchanges its sides."""
    return exif_turn(path) > 4


def exif_turn(path: Path) -> int:
    """Return the EXIF orientation of a file, 1 to 8; 1 also if the file cannot be opened."""
    try:
        with open_picture(path) as picture:
            if picture.format == "TIFF":
                turn = getattr(picture, "tag_v2", {}).get(_ORIENTATION_TAG, 1)
                return turn if turn in _TURNS else 1
            return orientation(picture)
    except ImageError:
        return 1


def is_special(path: Path) -> bool:
    """Return True for a pipe, a socket or a device: reading it might never end."""
    return _is_true(path.exists) and not path.is_file() and not path.is_dir()


def _stand_in(path: Path) -> tuple[str, str] | None:
    """Return what a text file is that lies in the place of a picture, and what to do; None for other files."""
    with path.open("rb") as file:
        start = file.read(200).lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, not its content", "Run `git lfs pull` in the repository, or download the files."
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page", "The download failed: download the file again, signed in if necessary."
    return None


def _is_true(test: Callable[[], bool]) -> bool:
    """Return the result of a test of a path; False if the system cannot look the path up."""
    try:
        return test()
    except (OSError, ValueError):
        return False


def _known_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _check_single(picture: Image.Image, path: Path) -> None:
    """Refuse several TIFF pages of equal size, of which only the first would be read. Other sizes are previews."""
    pages = getattr(picture, "n_frames", 1)
    if picture.format != "TIFF" or pages < 2:
        return
    first = picture.size
    picture.seek(1)
    second = picture.size
    picture.seek(0)
    if first == second:
        raise ImageError(
            f"Image {path} is a stack of {pages} TIFF pages{_stack_words(picture)}; expected one picture.",
            "Save each page, or each channel, as its own file (in ImageJ: Image > Stacks > Stack to Images).",
        )


def _stack_words(picture: Image.Image) -> str:
    """Return what ImageJ says about the pages of a stack: `` (ImageJ: channels=2)``."""
    text = str(getattr(picture, "tag_v2", {}).get(_DESCRIPTION_TAG, ""))
    words = [word for word in text.split() if word.partition("=")[0] in ("channels", "slices", "frames")]
    return f" (ImageJ: {', '.join(words)})" if text.startswith("ImageJ") and words else ""
