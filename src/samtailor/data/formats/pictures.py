"""Write pictures that are inside annotation files or tables as files, because the images of a task are files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from samtailor.errors import DataError
from samtailor.machine.files import write_atomically

__all__ = ["Pictures", "pictures_root"]


class Pictures:
    """Pictures inside rows, written as files to one folder per data set in the user's cache folder.

    A file that already holds the same bytes is not written again.

    Attributes:
        folder: the folder of this data set.
    """

    def __init__(self, root: Path) -> None:
        digest = hashlib.blake2b(str(root.resolve()).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self._root, self.folder = root, pictures_root() / f"{root.resolve().name}-{digest}"
        self._names: set[str] = set()

    def path(self, split: str, row: int, picture: dict[str, Any]) -> Path:
        """Return the file of a picture ({"bytes", "path"}): its own file, or a written one."""
        name, content = picture.get("path"), picture.get("bytes")
        if content is None:
            if name and Path(name).is_file():
                return Path(name)
            raise DataError(
                f"{self._root}, row {row} of {split or 'the data'}: the image {name} is missing.",
                "Add the file or remove the row.",
            )
        short = PurePosixPath(str(name or "").replace("\\", "/")).name or f"{row:06}{_suffix(content)}"
        if (split + short).lower() in self._names:
            short = f"{row:06}-{short}"
        self._names.add((split + short).lower())
        file = self.folder / (split or "all") / short
        if not (file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content):
            write_atomically(file, content)
        return file


def pictures_root() -> Path:
    """Return the folder of all written pictures: ``SAMTAILOR_PICTURES``, or one in the user's cache folder."""
    chosen = os.environ.get("SAMTAILOR_PICTURES", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("samtailor", appauthor=False)) / "pictures"


def _suffix(content: bytes) -> str:
    """Return the file suffix of a picture from its first bytes."""
    if content.startswith(b"\x89PNG"):
        return ".png"
    if content.startswith(b"\xff\xd8"):
        return ".jpg"
    return ".webp" if content[8:12] == b"WEBP" else ".tif" if content[:2] in (b"II", b"MM") else ".img"
