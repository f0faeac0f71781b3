"""Read the files of a data set: text, JSON, and pictures listed by stem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samtailor.data.pixels.images import image_size
from samtailor.data.pixels.pillow import is_special
from samtailor.errors import DataError, ImageError

__all__ = [
    "FIX_HINT",
    "IMAGE_SUFFIXES",
    "files_by_stem",
    "picture_size",
    "read_bytes",
    "read_json",
    "read_lines",
]

_COMMON = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp")
IMAGE_SUFFIXES = (*_COMMON, ".gif", ".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".heic", ".heif", ".dcm", ".dicom")
FIX_HINT = "Fix the file or export it again."


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: the file cannot be read, or is a pipe or a device: reading it might never end.
    """
    try:
        if is_special(path):
            raise DataError(f"{path} is a pipe or a device; expected a file.", "Pass a copy of its content.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}).", "Check that the file exists and its permissions."
        ) from error


def read_json(path: Path, expected: str = "an object", hint: str = FIX_HINT) -> dict[str, Any]:
    """Return the object in a JSON file.

    Args:
        path: the file.
        expected: what the object should be, for the error message.
        hint: what to do if the content is wrong.

    Raises:
        DataError: the file cannot be read, is not JSON, or does not hold an object.
    """
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}).", hint) from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a JSON {type(content).__name__}; expected {expected}.", hint)
    return content


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Return the non-blank lines of a text file, stripped, each with its number from 1.

    Raises:
        DataError: the file cannot be read or is not UTF-8 text.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}).", "Save the file as UTF-8."
        ) from error
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of a picture in pixels, after EXIF rotation.

    Raises:
        DataError: the picture is missing or damaged.
    """
    try:
        return image_size(path)
    except ImageError as error:
        raise DataError(error.what, error.hint) from error


def files_by_stem(
    folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES, contents: str = "images"
) -> dict[str, Path]:
    """List the files of a folder by stem, sorted. Hidden files and other suffixes are ignored.

    Args:
        folder: the folder; its sub-folders are not read.
        suffixes: suffixes to list, in lower case.
        contents: what the files are, for the error message.

    Raises:
        DataError: the folder is missing, or two files have the same stem.
    """
    if not folder.is_dir():
        raise DataError(
            f"The folder {folder} is missing; expected a folder of {contents}.", f"Create it and add the {contents}."
        )
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if path.stem in files:
            raise DataError(
                f"{files[path.stem]} and {path} have the same stem; expected one file per stem.", "Rename one of them."
            )
        files[path.stem] = path
    return files
