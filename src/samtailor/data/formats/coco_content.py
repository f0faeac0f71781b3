"""The content of one COCO file: its lists, its ids and its classes, in every spelling that has only one meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samtailor.data.findings import listed
from samtailor.data.formats.coco_notes import CocoNotes
from samtailor.data.formats.encodings import note_encoding, read_any_json
from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.label_maps import UNNAMED_CLASS
from samtailor.data.reading import Reading
from samtailor.data.words import quoted
from samtailor.errors import DataError

__all__ = ["Key", "as_key", "as_side", "list_of", "load_content", "read_categories"]

Key = int | str
_MOST_DIGITS = 18  # of an id written as text that counts as a number


def load_content(path: Path, reading: Reading) -> dict[str, Any]:
    """Return the object in a COCO file; ``images`` and ``annotations`` are lists, or dicts of id -> entry.

    Raises:
        DataError: the file is not JSON, its encoding is not clear, or it has no images or annotations.
    """
    content, encoding = read_any_json(path)
    note_encoding(reading, path, encoding)
    if not isinstance(content, dict):
        kind = type(content).__name__
        expected = "an object with images, annotations, categories"
        raise DataError(f"{path} holds a JSON {kind}; expected {expected}.", FIX_HINT)
    for key in ("images", "annotations"):
        if not isinstance(content.get(key), (list, dict)):
            state = "is missing" if key not in content else f"is a {type(content[key]).__name__}"
            raise DataError(f"{path}: {key!r} {state}; expected a list.", FIX_HINT)
    return content


def list_of(path: Path, content: dict[str, Any], key: str, notes: CocoNotes) -> list[Any]:
    """Return the entries of a list; a dict of id -> entry becomes a list, whose entries get the id they lack."""
    entries = content[key]
    if isinstance(entries, list):
        return entries
    notes.repaired(f"{key} as an object, not a list", path)
    return [{"id": name, **entry} if isinstance(entry, dict) else entry for name, entry in entries.items()]


def as_key(value: Any) -> Key | None:
    """Return an id so that equal ids compare equal: 3, "3" and 3.0 are one id. None if it is no id."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and value.strip():
        text = value.strip()
        is_whole = len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() and str(int(text)) == text
        return int(text) if is_whole else text
    return None


def as_side(value: Any) -> int | float | None:
    """Return a stated width or height; None if the file does not know it (missing, null, 0, -1, blank).

    Raises:
        ValueError: it is not a number.
    """
    if isinstance(value, str):
        try:
            value = float(value) if value.strip() else None
        except ValueError:
            raise ValueError(f"{quoted(value)}") from None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e12:
        raise ValueError(f"{quoted(value)}")
    if value <= 0:
        return None
    return int(value) if value == int(value) else value


def read_categories(path: Path, content: dict[str, Any], annotations: list[Any], notes: CocoNotes) -> dict[Key, str]:
    """Return category id -> class name, in the order of the ids.

    Without categories, all masks have the class ``object`` if they have one id or none. Roboflow's group of all
    classes, an entry without masks whose name is the ``supercategory`` of the others, is left out.

    Raises:
        DataError: the categories are broken, or the masks have several ids and nothing names them.
    """
    categories = content.get("categories")
    used = {key for a in annotations if isinstance(a, dict) and (key := as_key(a.get("category_id"))) is not None}
    if categories is None or categories == [] or categories == {}:
        if len(used) < 2:
            notes.repaired("no categories: one class without a name", path)
            return dict.fromkeys(used or {0}, UNNAMED_CLASS)
        ids = sorted(used, key=lambda key: (isinstance(key, str), key))
        example = json.dumps([{"id": key, "name": f"class {key}"} for key in ids[:20]])
        raise DataError(
            f"{path}: 'categories' is missing, but the annotations have the category_ids "
            f"{listed([quoted(key, 30) for key in ids], 10)}; expected the name of each class.",
            f'Add the line, with names of your choice: "categories": {example}',
        )
    entries = _category_entries(path, categories)
    names: dict[Key, str] = {}
    for number, entry in enumerate(entries):
        key = as_key(entry.get("id"))
        if key is None:
            raise _error(
                path, f"category number {number} has the id {quoted(entry.get('id'))}; expected a number or text"
            )
        name = entry.get("name")
        name = str(name) if type(name) in (int, float) else name
        if not isinstance(name, str) or not name.strip():
            raise _error(path, f"category {quoted(key)} has the name {quoted(name)}; expected text")
        if key in names and names[key] != name.strip():
            raise _error(path, f"two categories have the id {quoted(key)}: {quoted(names[key])} and {quoted(name)}")
        names[key] = name.strip()
    groups = {
        key
        for key, entry in ((as_key(entry.get("id")), entry) for entry in entries)
        if key not in used and _is_group(entry, entries)
    }
    kept = {key: name for key, name in names.items() if key not in groups}
    return dict(sorted(kept.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def _category_entries(path: Path, categories: Any) -> list[dict[str, Any]]:
    if isinstance(categories, dict):  # id -> name, or id -> entry
        categories = [
            {"id": key, **entry} if isinstance(entry, dict) else {"id": key, "name": entry}
            for key, entry in categories.items()
        ]
    if not isinstance(categories, list):
        raise _error(path, f"'categories' is a {type(categories).__name__}; expected a list")
    for number, entry in enumerate(categories):
        if not isinstance(entry, dict):
            raise DataError(
                f"{path}: category number {number} is {quoted(entry)}; expected an object with an id and a name.",
                'Write each class as {"id": 1, "name": "..."}, with the id that the annotations use.',
            )
    return categories


def _is_group(entry: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
    """Return True for the first entry of Roboflow: it has no supercategory and is that of all others."""
    others = [other for other in entries if other is not entry]
    return (
        entry.get("supercategory") in ("none", "", None)
        and bool(others)
        and all(other.get("supercategory") == entry.get("name") for other in others)
    )


def _error(path: Path, cause: str) -> DataError:
    return DataError(f"{path}: {cause}.", FIX_HINT)
