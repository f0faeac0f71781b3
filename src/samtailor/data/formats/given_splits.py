"""Splits that files state without folders: lists of names, or a word in the name of every image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from samtailor.data.formats.encodings import read_text
from samtailor.data.formats.names import one_form
from samtailor.data.split_names import split_in_name

__all__ = ["listed_splits", "splits_in_names"]

_FOLDERS = ("", "splits", "split", "lists", "list", "ImageSets", "ImageSets/Segmentation")
_MOST_BYTES = 50_000_000


def listed_splits(root: Path, names: Sequence[str]) -> tuple[dict[str, str], str]:
    """Read lists of images, such as train.txt with a name on each line.

    Args:
        root: folder of the data set; lists are in it, or in ``splits/``, ``lists/`` or ``ImageSets/``.
        names: path of each image in the data set, without suffix.

    Returns:
        name -> split, and the folder of the lists in words. Empty if there are no lists for train and one other split
        that name images, or if two lists name the same image.
    """
    stems: dict[str, list[str]] = {}
    for name in names:
        stems.setdefault(one_form(name.rpartition("/")[2]), []).append(name)
    for part in _FOLDERS:
        folder = root / part
        files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
        lists = {file: split for file in files if (split := split_in_name(file.stem)) and file.is_file()}
        splits: dict[str, str] = {}
        is_clear = True
        for file, split in lists.items():
            for line in _lines(file):
                for name in _meant(line, stems):
                    is_clear = is_clear and splits.setdefault(name, split) == split
        if is_clear and {"train"} < set(splits.values()):
            return splits, f"{part or '.'}/*.txt"
    return {}, ""


def splits_in_names(names: Sequence[str]) -> dict[str, str]:
    """Return name -> split if the name of every image says its split: ``train_1``, ``testA_1``; otherwise nothing."""
    splits = {name: split_in_name(name.rpartition("/")[2]) for name in names}
    return splits if all(splits.values()) and {"train"} < set(splits.values()) else {}


def _lines(file: Path) -> list[str]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            return []
        return [line.strip() for line in read_text(file)[0].splitlines() if line.strip()]
    except OSError:
        return []


def _meant(line: str, stems: dict[str, list[str]]) -> list[str]:
    """Return the only image that a line names: ``a``, ``a.png``, ``images/a.png masks/a.png``; or nothing."""
    for text in (line, *line.replace(",", " ").split()[:1]):
        path = PurePosixPath(text.replace("\\", "/"))
        for stem in (path.name, path.stem):
            found = stems.get(one_form(stem), [])
            if len(found) > 1:
                found = [name for name in found if name.endswith(f"{path.parent.name}/{stem}")]
            if len(found) == 1:
                return found
    return []
