"""Read the yaml file of a YOLO data set, and check its class names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from samtailor.data.formats.encodings import read_text
from samtailor.data.formats.files import read_bytes
from samtailor.data.formats.find_images import refuse_link
from samtailor.errors import DataError
from samtailor.machine.reading import open_regular

__all__ = ["LAYOUT_HINT", "check_classes", "find_yaml", "parse_yaml", "read_yaml"]

LAYOUT_HINT = "Write a data.yaml like:  train: images/train   val: images/val   names: [cell, wall]"

_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_MAX_BYTES = 1_000_000  # names of 10,000 classes take about 300,000


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a few nested ones expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias such as *name; aliases are not read")
        return super().compose_node(parent, index)


def find_yaml(root: Path) -> Path | None:
    """Find the yaml file of a data set in ``root``: one with a usual name, or the only one that holds "names"."""
    for name in _NAMES:
        if (root / name).is_file():
            return root / name
    others = [path for path in sorted(root.glob("*.y*ml")) if path.is_file() and _holds_names(path)]
    return others[0] if len(others) == 1 else None


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the keys and values of a yaml file.

    Raises:
        DataError: the file cannot be read, is too large, is not YAML, has aliases, or does not hold keys with values.
    """
    size = len(read_bytes(file))
    if size > _MAX_BYTES:
        raise DataError(f"{file} has {size:,} bytes; expected at most {_MAX_BYTES:,}.", LAYOUT_HINT)
    refuse_link(file)
    return parse_yaml(file, read_text(file)[0])


def parse_yaml(file: Path, text: str) -> dict[str, Any]:
    """Return the keys and values of a YAML text; see ``read_yaml``."""
    try:
        content = yaml.load(text, _Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: impossible dates
        raise DataError(f"{file} is not YAML ({' '.join(str(error).split())[:300]}).", LAYOUT_HINT) from error
    if not isinstance(content, dict):
        raise DataError(f"{file} holds a YAML {type(content).__name__}; expected keys with values.", LAYOUT_HINT)
    return content


def check_classes(file: Path, content: dict[str, Any]) -> dict[int, str]:
    """Return class number -> name, in rising order of numbers, from the key ``names``.

    Raises:
        DataError: the names are not valid, or their number is not ``nc``.
    """
    names = content.get("names")
    if isinstance(names, str):  # names: car, tree
        names = [name for part in names.strip(" []").split(",") if (name := part.strip().strip("'\""))]
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DataError(
            f"{file} has the names {_short(names)}; expected a list of class names, or numbers with names.", LAYOUT_HINT
        )
    classes: dict[int, str] = {}
    taken: set[str] = set()
    for key, name in names.items():
        number = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 10 else key
        if type(number) is not int or number < 0 or number in classes:
            raise DataError(
                f"{file} has the class number {_short(key)}; expected 0, 1, 2, ..., each once.", LAYOUT_HINT
            )
        text = str(name).strip() if isinstance(name, (str, int, float)) else ""
        if not text or text in taken:
            raise DataError(f"{file} has the class name {_short(name)}; expected text, each name once.", LAYOUT_HINT)
        classes[number] = text
        taken.add(text)
    count = content.get("nc")
    if count is not None and str(count).strip() != str(len(classes)):
        raise DataError(
            f"{file} has nc: {_short(count)}, but names {len(classes)} classes; expected equal numbers.",
            "Fix nc or names.",
        )
    return dict(sorted(classes.items()))


def _holds_names(path: Path) -> bool:
    with open_regular(path) as file:
        return b"names" in file.read(_MAX_BYTES).replace(b"\0", b"")


def _short(value: Any) -> str:
    """Return a value for a message, at most 80 characters of it."""
    text = repr(value) if isinstance(value, (str, int, float, type(None))) else f"{type(value).__name__} {value!r:.80}"
    return text[:80]
