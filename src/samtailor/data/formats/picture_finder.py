"""Find the picture that an annotation file means, also if it was written on another machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.formats.names import name_key, one_form, shared_folders, without_upload_prefix
from samtailor.data.pixels.pillow import is_file
from samtailor.data.split_names import split_in_name

__all__ = ["FoundPicture", "PictureFinder", "name_parts"]

_MOST_FILES = 1_000_000  # files below the root that are listed
_MASK_FOLDERS = ("mask", "panoptic", "segmentation", "stuff", "label")  # words in the names of folders without photos


@dataclass(frozen=True)
class FoundPicture:
    """A picture file.

    Attributes:
        path: the file.
        repair: how the name differs from the file, in words; empty if it does not.
    """

    path: Path
    repair: str = ""


class PictureFinder:
    """Finds pictures below a folder by the names in an annotation file. It never leaves the folder."""

    def __init__(self, root: Path, annotations: Path, base: Path, split: str = "", word: str = "") -> None:
        """Prepare the search; folders are listed only if a name needs it.

        Args:
            root: the folder of the task.
            annotations: the annotation file.
            base: the folder of the data set inside the task.
            split: split of the pictures; "" if unknown.
            word: the name of the split as it is written, such as ``train2017``.
        """
        self._root, self._split = root, split
        own = annotations.parent
        places = [own, own / "images"] if own not in (root, base) else []
        for folder in dict.fromkeys((base, root)):
            places += [folder / "images", *self._named_after_split(folder / "images", word), folder]
            places += self._named_after_split(folder, word)
        self._places = list(dict.fromkeys([*places, own]))

    def find(self, name: str) -> FoundPicture | None:
        """Return the picture of that name; None if there is none, or several fit equally well."""
        for variant, what in _spellings(name):
            parts, is_plain = name_parts(variant)
            if not parts:
                continue
            for first in range(len(parts)):
                for place in self._places:
                    if is_file(path := place.joinpath(*parts[first:])):
                        repair = what or ("" if first == 0 and is_plain else "file name with folders that are not here")
                        return FoundPicture(path, repair)
            if (close := self._closest(self._by_name.get(name_key(parts[-1]), []), parts)) is not None:
                return FoundPicture(close, what or _difference(close, parts, is_plain))
        for variant, _ in _spellings(name):
            parts, _ = name_parts(variant)
            same_stem = self._by_stem.get(name_key(Path(parts[-1]).stem), []) if parts else []
            if (close := self._closest(same_stem, parts)) is not None:
                return FoundPicture(close, "file name with another suffix")
        return None

    def alike(self, name: str) -> list[Path]:
        """Return all files that share the last part of a name."""
        parts, _ = name_parts(name)
        return self._by_name.get(name_key(parts[-1]), []) if parts else []

    def expected(self, name: str) -> Path:
        """Return where a missing picture should be, for the message."""
        parts, _ = name_parts(name)
        first = next((place for place in self._places if place.is_dir() and place.name == "images"), self._places[0])
        return first.joinpath(*parts[-1:])

    @property
    def folder(self) -> Path:
        """The folder for missing pictures."""
        return next((place for place in self._places if place.is_dir()), self._places[0])

    def _named_after_split(self, folder: Path, word: str) -> list[Path]:
        """Return folders for the pictures of the split, the one named exactly like it first."""
        if not self._split or not folder.is_dir():
            return []
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        except OSError:
            return []
        fitting = [name for name in names if name == word or split_in_name(name) == self._split]
        fitting.sort(key=lambda name: (name != word, name != self._split))
        return [place for name in fitting for place in (folder / name, folder / name / "images")]

    @cached_property
    def _files(self) -> list[Path]:
        files: list[Path] = []
        for folder, folders, names in os.walk(self._root):
            folders[:] = sorted(name for name in folders if name[0] != "." and not _holds_masks(name))
            files += [Path(folder, name) for name in names if name.lower().endswith(IMAGE_SUFFIXES) and name[0] != "."]
            if len(files) > _MOST_FILES:
                break
        return sorted(files)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        return _grouped((name_key(path.name), path) for path in self._files)

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        return _grouped((name_key(path.stem), path) for path in self._files)

    def _closest(self, paths: list[Path], parts: tuple[str, ...]) -> Path | None:
        """Return the path that shares most last folders with the name, or lies in a folder of the split.

        Folders of other splits do not count: data sets use the same names in all splits.
        """
        paths = [path for path in paths if not self._split or self._split_of(path) in ("", self._split)]
        if len(paths) < 2:
            return paths[0] if paths else None
        scores = [(shared_folders(path, parts), self._is_near(path)) for path in paths]
        best = max(scores)
        return paths[scores.index(best)] if scores.count(best) == 1 else None

    def _is_near(self, path: Path) -> int:
        return 2 * (self._split_of(path) == self._split != "") + (path.parent in self._places)

    def _split_of(self, path: Path) -> str:
        folders = reversed(path.parent.relative_to(self._root).parts)
        return next((split for folder in folders if (split := split_in_name(folder))), "")


def name_parts(name: str) -> tuple[tuple[str, ...], bool]:
    """Split a name into folders and file, without drive, root, ``.`` and ``..``.

    Returns:
        The parts, and True if nothing was removed.
    """
    if "\0" in name:
        return (), False
    pieces = name.replace("\\", "/").split("/")
    parts = tuple(piece for piece in pieces if piece not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", piece))
    return parts, len(parts) == len(pieces) - pieces.count(".")


def _spellings(name: str) -> Iterator[tuple[str, str]]:
    """Return the name, and what it may stand for, each with a word for the repair."""
    yield name, ""
    address = re.sub(r"^[a-z0-9+.-]{2,}://", "/", name, flags=re.IGNORECASE)
    if "?d=" in address or "&d=" in address:  # Label Studio: /data/local-files/?d=folder/name.png
        yield unquote(re.split(r"[?&]d=", address)[-1].split("&")[0]), "file name of Label Studio"
    if "?" in address:
        address = address.split("?")[0]
        yield unquote(address), "web address as file name"
    if (decoded := unquote(address)) != name:
        yield decoded, "file name encoded for the web"
    parts, _ = name_parts(decoded)
    if parts and (bare := without_upload_prefix(parts[-1])) != parts[-1]:
        yield bare, "file name of Label Studio"


def _holds_masks(folder: str) -> bool:
    return any(word in folder.lower() for word in _MASK_FOLDERS)


def _difference(path: Path, parts: tuple[str, ...], is_plain: bool) -> str:
    if one_form(path.name) != one_form(parts[-1]):
        return "file name in other letter case"
    if path.name != parts[-1]:
        return "file name with accents stored in another way"
    return "file name in another folder" if is_plain else "file name with folders that are not here"


def _grouped(pairs: Iterator[tuple[str, Path]]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for key, path in pairs:
        groups.setdefault(key, []).append(path)
    return groups
