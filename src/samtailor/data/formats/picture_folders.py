"""List the folders with pictures below a folder, and what their names say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.formats.folder_words import is_only_role, role_of, split_of_folder

__all__ = ["PictureFolder", "list_picture_folders"]

_DEPTH = 8
_JUNK = ("__macosx", "__pycache__", "thumbs", "node_modules")


@dataclass(frozen=True)
class PictureFolder:
    """A folder that directly holds pictures.

    Attributes:
        path: the folder.
        role: ``images`` or ``masks`` if a name in its path says so; empty otherwise.
        split: split that a name in its path says; empty if none.
        context: the other names in its path, which must be the same for images and their masks.
        plain: True if the name that says the role is exactly ``images`` or ``masks``.
        files: its pictures, sorted.
    """

    path: Path
    role: str
    split: str
    context: tuple[str, ...]
    plain: bool
    files: list[Path] = field(default_factory=list)


def list_picture_folders(root: Path) -> list[PictureFolder]:
    """Return the folders with pictures, ``root`` itself and those below it, sorted. Hidden ones are left out."""
    folders = []
    visited: set[str] = set()
    for here, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        parts = Path(here).relative_to(root).parts
        if real in visited or len(parts) > _DEPTH:
            below.clear()
            continue
        visited.add(real)
        below[:] = sorted(name for name in below if not name.startswith(".") and name.lower() not in _JUNK)
        pictures = sorted(n for n in names if not n.startswith(".") and Path(n).suffix.lower() in IMAGE_SUFFIXES)
        if pictures:
            folders.append(_folder(Path(here), parts, [Path(here) / name for name in pictures]))
    return folders


def _folder(path: Path, parts: tuple[str, ...], files: list[Path]) -> PictureFolder:
    roles = [(n, role) for n, part in enumerate(parts) if (role := role_of(part))]
    splits = [(n, split) for n, part in enumerate(parts) if (split := split_of_folder(part))]
    at_role, role = roles[-1] if roles else (-1, "")
    at_split, split = splits[-1] if splits else (-1, "")
    same_role = {n for n, other in roles if other == role and is_only_role(parts[n])}  # annotations/trimaps/
    context = tuple(part for n, part in enumerate(parts) if n not in (*same_role, at_role, at_split))
    plain = at_role >= 0 and parts[at_role].lower() == role
    return PictureFolder(path, role, split, context, plain, [file for file in files if file.is_file()])
