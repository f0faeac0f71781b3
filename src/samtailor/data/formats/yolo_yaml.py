"""Read the yaml file of a YOLO data set, and check its class names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from samtailor.data.formats.files import read_bytes
from samtailor.errors import DataError

__all__ = ["LAYOUT_HINT", "check_classes", "find_yaml", "read_yaml"]

LAYOUT_HINT = "Write a data.yaml like:  train: images/train   val: images/val   names: [cell, wall]"

_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def find_yaml(root: Path) -> Path | None:
    """Find the yaml file of a data set in ``root``: one with a usual name, or the only one that holds "names"."""
    for name in _NAMES:
        if (root / name).is_file():
            return root / name
    others = [path for path in sorted(root.glob("*.y*ml")) if b"names" in path.read_bytes()]
    return others[0] if len(others) == 1 else None


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the keys and values of a yaml file.

    Raises:
        DataError: the file cannot be read, is not YAML, or does not hold keys with values.
    """
    try:
        content = yaml.safe_load(read_bytes(file))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: undecodable bytes, impossible dates
        raise DataError(f"{file} is not YAML ({' '.join(str(error).split())}).", LAYOUT_HINT) from error
    if not isinstance(content, dict):
        raise DataError(f"{file} holds a YAML {type(content).__name__}; expected keys with values.", LAYOUT_HINT)
    return content


def check_classes(file: Path, content: dict[str, Any]) -> dict[int, str]:
    """Return class number -> name, in rising order of numbers, from the key ``names``.

    Raises:
        DataError: the names are not valid, or their number is not ``nc``.
    """
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DataError(
            f"{file} has the names {names!r}; expected a list of class names, or numbers with names.", LAYOUT_HINT
        )
    classes: dict[int, str] = {}
    for key, name in names.items():
        number = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
        if type(number) is not int or number < 0 or number in classes:
            raise DataError(f"{file} has the class number {key!r}; expected 0, 1, 2, ..., each once.", LAYOUT_HINT)
        if not isinstance(name, (str, int, float)) or not str(name).strip() or str(name).strip() in classes.values():
            raise DataError(f"{file} has the class name {name!r}; expected text, each name once.", LAYOUT_HINT)
        classes[number] = str(name).strip()
    count = content.get("nc")
    if count is not None and count != len(classes):
        raise DataError(
            f"{file} has nc: {count}, but names {len(classes)} classes; expected equal numbers.", "Fix nc or names."
        )
    return dict(sorted(classes.items()))
