"""Look into the first files of a folder, to tell which tool wrote them, without reading large files whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from samtailor.data.formats.encodings import decode_unicode
from samtailor.machine.reading import open_regular

__all__ = ["files_below", "first_files", "head_text", "is_small"]

_HEAD = 65536  # bytes
_SMALL = 20_000_000  # bytes of a file that may be parsed to tell its layout


def files_below(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """List visible files with one of the suffixes (lower case), in ``root`` first, then one level deeper, and so on."""
    level = [root]
    while level:
        deeper = []
        for folder in level:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(Path(entry.path))
                elif entry.name.lower().endswith(suffixes) and entry.is_file():
                    yield Path(entry.path)
        level = deeper


def first_files(root: Path, suffixes: tuple[str, ...], most: int = 20) -> list[Path]:
    """Return the first files of ``files_below``."""
    return [path for _, path in zip(range(most), files_below(root, suffixes), strict=False)]


def head_text(path: Path) -> str:
    """Return the beginning of a text file; "" if it cannot be read. Text that is not Unicode is read as Latin-1."""
    try:
        with open_regular(path) as file:
            content = file.read(_HEAD)
    except OSError:
        return ""
    for end in range(len(content), max(len(content) - 4, 0), -1):  # a character may be cut in the middle
        if (decoded := decode_unicode(content[:end])) is not None:
            return decoded[0]
    return content.decode("latin-1")


def is_small(path: Path) -> bool:
    """Return True if a file may be parsed to tell its layout."""
    try:
        return path.stat().st_size <= _SMALL
    except OSError:
        return False
