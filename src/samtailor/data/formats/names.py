"""Compare the names of files that were written on another machine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

__all__ = ["name_key", "one_form", "shared_folders", "without_upload_prefix"]

_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")


def one_form(name: str) -> str:
    """Return a name in one Unicode form, so that names from a Mac equal others."""
    return unicodedata.normalize("NFC", name)


def name_key(name: str) -> str:
    """Return what two names share if they differ at most in letter case and Unicode form."""
    return one_form(name).casefold()


def without_upload_prefix(name: str) -> str:
    """Return a file name without the eight digits that Label Studio puts before the names of uploaded files."""
    return _UPLOAD.sub("", name)


def shared_folders(path: Path, parts: Sequence[str]) -> int:
    """Return how many folders directly above a file also stand above the file in ``parts``.

    Args:
        path: the file.
        parts: folders and file of a stated name; the file itself is not compared.
    """
    count = 0
    for own, stated in zip(path.parts[-2::-1], parts[-2::-1], strict=False):
        if name_key(own) != name_key(stated):
            break
        count += 1
    return count
