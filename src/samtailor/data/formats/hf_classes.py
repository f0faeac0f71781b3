"""The class names of label maps in a Hugging Face folder: classes.json, id2label.json or config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samtailor.data.formats.files import read_json
from samtailor.data.formats.label_maps import VOID, read_classes
from samtailor.errors import DataError

__all__ = ["read_hf_classes"]

_FILES = ("id2label.json", "data/id2label.json", "config.json", "label2id.json", "id2label_full.json")
_BACKGROUND = ("background", "bg", "unlabeled", "unlabelled", "void", "ignore", "ignored", "none", "undefined", "")
_HINT = 'Write it like {"0": "background", "1": "cell", "2": "wall"}.'


def read_hf_classes(root: Path) -> dict[int, str] | None:
    """Return value -> class name, in rising order of values; None if no file names classes.

    The value 0 is background, unless id2label.json gives it a name that is not one of background.

    Raises:
        DataError: a file is not a table of classes.
    """
    if (root / "classes.json").is_file():
        return read_classes(root / "classes.json")
    for path in (root / name for name in _FILES):
        if not path.is_file():
            continue
        content = read_json(path, "an object of mask values and class names", _HINT)
        table: Any = content.get("id2label", content.get("label2id", content))
        if path.name == "config.json" and table is content:
            continue  # of something else
        return _checked(path, table)
    return None


def _checked(path: Path, table: Any) -> dict[int, str]:
    if not isinstance(table, dict) or not table:
        raise DataError(f"{path} holds no mask values with names.", _HINT)
    if all(type(value) is int for value in table.values()):  # label2id
        table = {str(value): name for name, value in table.items()}
    classes: dict[int, str] = {}
    for key, name in table.items():
        if not (key.isascii() and key.isdecimal() and len(key) <= 5) or not isinstance(name, (str, int)):
            raise DataError(f"{path} has {key[:80]!r}: {str(name)[:80]!r}; expected a mask value and its name.", _HINT)
        text = str(name).strip()
        is_background = int(key) in (0, VOID) and text.lower().strip("_") in _BACKGROUND
        if not is_background:
            classes[int(key)] = text or f"class {key}"
    if not classes or len(set(classes.values())) < len(classes):
        raise DataError(f"{path} has no class, or two with the same name; expected each name once.", _HINT)
    return dict(sorted(classes.items()))
