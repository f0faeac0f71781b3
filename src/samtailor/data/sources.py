"""Find the name of the picture that augmented copies were made from."""

from __future__ import annotations

import re

__all__ = ["source_name"]

_ROBOFLOW = re.compile(r"^(.+)\.rf\.[0-9A-Za-z]{6,}$")  # photo_jpg.rf.0123456789abcdef
_AUGMENTED = re.compile(r"^(.+?)[_\-](?:aug|augmented|augmentation)(?:[_\-]?\d+)?$", re.IGNORECASE)


def source_name(name: str) -> str:
    """Return the name of the source of an augmented copy, from its name without suffix; any other name is unchanged.

    Roboflow writes ``photo_jpg.rf.HASH``; others write ``photo_aug_1``.
    """
    for pattern in (_ROBOFLOW, _AUGMENTED):
        if match := pattern.match(name):
            return match[1]
    return name
