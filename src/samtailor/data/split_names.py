"""Find the name of a split in the name of a file or folder."""

from __future__ import annotations

import re

__all__ = ["SPLIT_OF", "split_in_name", "split_word"]

_WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev", "minival"),
    "test": ("test", "testing", "tst"),
}
SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z]+")


def split_in_name(name: str) -> str:
    """Return ``train``, ``val`` or ``test`` if a word of the name says so; "" if none or several do.

    Words end at digits, signs and capital letters: ``instances_train2017``, ``valid``, ``labelsTest``.
    """
    splits = {SPLIT_OF[word] for word in _words(name) if word in SPLIT_OF}
    return splits.pop() if len(splits) == 1 else ""


def split_word(name: str) -> str:
    """Return the part of a name that names the split, as it is written: ``train2017`` of ``instances_train2017``."""
    for part in re.split(r"[^A-Za-z0-9]+", name):
        if split_in_name(part):
            return part
    return name


def _words(name: str) -> list[str]:
    return _WORD.findall(_CAMEL.sub("_", name).lower())
