"""What the readers of annotation files share: opening files, naming what is wrong with them, numbering instances."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.data.formats.folders import IMAGE_SUFFIXES
from samtailor.data.pixels.images import image_size
from samtailor.data.pixels.rle import Rle
from samtailor.data.splits import split_by_name
from samtailor.data.task import RECTANGLES, SPLITS, ImageRecord, Instance
from samtailor.errors import DataError, ImageError

__all__ = [
    "IDS_PER_IMAGE",
    "Draft",
    "Found",
    "images_by_stem",
    "number_instances",
    "read_bytes",
    "read_json",
    "read_lines",
    "rectangles_note",
    "size_of",
    "split_drafts",
]

IDS_PER_IMAGE = 65536

Found = tuple[str, Rle, int] | tuple[str, Rle, int, bool]  # class name, mask, area, whether it is a crowd


@dataclass(frozen=True)
class Draft:
    """An image with its instances, which have no ids yet.

    Attributes:
        path: the picture.
        width: of it upright, pixels.
        height: likewise.
        found: class name, compressed RLE and area of each instance.
        boxes: how many of them are filled rectangles.
    """

    path: Path
    width: int
    height: int
    found: tuple[Found, ...]
    boxes: int = 0


def number_instances(drafts: Sequence[Draft]) -> tuple[ImageRecord, ...]:
    """Records with ids from the places of image and instance: unique as long as the images are of one split."""
    return tuple(
        ImageRecord(
            draft.path,
            draft.width,
            draft.height,
            tuple(Instance(index * IDS_PER_IMAGE + n, *found) for n, found in enumerate(draft.found)),
        )
        for index, draft in enumerate(drafts)
    )


def split_drafts(drafts: Sequence[Draft], root: Path, seed: int) -> dict[str, list[Draft]]:
    """70 % train, 10 % val, 20 % test by the images' names below ``root``, suffix left off."""
    names = {draft.path: _name(draft.path, root) for draft in drafts}
    chosen = split_by_name(names.values(), seed)
    return {split: [draft for draft in drafts if chosen[names[draft.path]] == split] for split in SPLITS}


def rectangles_note(drafts: Iterable[Draft]) -> str:
    """What a task's format has to say about filled boxes; empty where there are none."""
    drafts = list(drafts)
    boxes, total = sum(draft.boxes for draft in drafts), sum(len(draft.found) for draft in drafts)
    if not boxes:
        return ""
    return f", {RECTANGLES}" if boxes == total else f", {boxes} of {total} instances are {RECTANGLES}"


def read_bytes(path: Path) -> bytes:
    """Content of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}).", "Check that it is there and may be read."
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file.

    Raises:
        DataError: the file cannot be read, is no JSON, or holds something else than an object.
    """
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}).", "Save it again with the tool that wrote it.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a JSON {type(content).__name__}; expected an object.", "Write it again.")
    return content


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Lines of a text file that are not blank, stripped, each with its number from 1.

    Raises:
        DataError: the file cannot be read or is no UTF-8 text.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}).", "Save it so.") from error
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of a picture, upright, in pixels.

    Raises:
        DataError: the picture is absent or damaged.
    """
    try:
        return image_size(path)
    except ImageError as error:
        raise DataError(error.what, error.hint) from error


def images_by_stem(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by stem, sorted; hidden files and other suffixes are left alone.

    Raises:
        DataError: the folder is missing, or two pictures have the same stem.
    """
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing; expected the images in it.", "Add it.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        if path.stem in found:
            raise DataError(f"{found[path.stem]} and {path} have the same stem; expected one file each.", "Rename one.")
        found[path.stem] = path
    return found


def _name(path: Path, root: Path) -> str:
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return inside.with_suffix("").as_posix()
