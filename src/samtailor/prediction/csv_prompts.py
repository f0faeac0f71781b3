"""Prompts from a CSV table."""

from __future__ import annotations

import csv
import math
from pathlib import Path, PurePosixPath

from samtailor.errors import PromptError
from samtailor.prediction.jobs import PromptRow

__all__ = ["csv_prompts", "listed"]

SHOWN = 20
"""Wrong rows that an error lists."""

_COLUMNS = {
    "image": ("image", "file", "filename", "file_name", "image_name", "image_path", "path"),
    "prompt": ("prompt", "prompt_id", "object", "object_id", "instance", "instance_id"),
    "class": ("class", "class_name", "category"),
    "label": ("label", "point_label"),
    "word": ("word",),
    "x": ("x",),
    "y": ("y",),
}
_BOXES = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))
"""Names of the corners. The columns x1 and y1 are the upper left corner only if there are x2 and y2."""
_FORM = (
    "Expected the columns image,x,y,label,prompt for clicks or image,x0,y0,x1,y1 for boxes; word is for class names."
)


def csv_prompts(path: Path, text: str) -> dict[str, tuple[PromptRow, ...]]:
    """Return name of an image -> its prompts.

    Raises:
        PromptError: columns are missing, or rows are wrong; the message lists the first of them.
    """
    lines = text.splitlines()
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    try:
        read = csv.reader(lines, delimiter=delimiter, strict=True)
        table = [row for row in read if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise PromptError(f"{path} is not a CSV table: {error}.", _FORM) from error
    names = [name.strip().lower().replace(" ", "_") for name in table[0]] if table else []
    columns = _columns(path, names)
    rows: dict[str, dict[str, list[PromptRow]]] = {}
    faults = []
    for number, cells in enumerate(table[1:], 2):
        values = {name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()}
        try:
            row = _row(values, decimal_comma=delimiter == ";")
        except ValueError as error:
            faults.append(f"row {number}: {error}")
            continue
        # Without a name, a prompt of its own; a cell never begins with a line break.
        own = values.get("prompt") or f"\n{number}"
        rows.setdefault(values["image"], {}).setdefault(own, []).append(row)
        if row.labels == (0,) and "prompt" not in columns:
            faults.append(f"row {number}: a background click needs the column prompt, which says whose it is")
    prompts: dict[str, tuple[PromptRow, ...]] = {}
    for image, named in rows.items():
        for name, parts in named.items():
            try:
                prompts[image] = (*prompts.get(image, ()), _merged(parts))
            except ValueError as error:
                faults.append(f"image {image}, prompt {name.strip()}: {error}")
    if faults:
        raise PromptError(f"{path} has {len(faults)} wrong entries: {listed(faults)}.", _FORM)
    return prompts


def listed(faults: list[str]) -> str:
    """Join the first faults to one text."""
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return "; ".join(fault[:200] for fault in faults[:SHOWN]) + more


def _columns(path: Path, names: list[str]) -> dict[str, int]:
    """Return column -> its place in the table."""
    columns = {}
    for column, spellings in _COLUMNS.items():
        place = next((names.index(spelling) for spelling in spellings if spelling in names), None)
        if place is not None:
            columns[column] = place
    if {"x", "y", "w", "h"} <= set(names):
        columns |= {"w": names.index("w"), "h": names.index("h")}
    corners = next((box for box in _BOXES if set(box) <= set(names)), None)
    if corners:
        columns |= {f"corner {i}": names.index(name) for i, name in enumerate(corners)}
    if "image" not in columns or not (corners or {"x", "y"} <= columns.keys() or "word" in columns):
        shown = ", ".join(names)[:200] or "none"
        raise PromptError(f"{path} has the columns {shown}.", _FORM)
    return columns


def _row(values: dict[str, str], decimal_comma: bool) -> PromptRow:
    def number(column: str, name: str) -> float:
        text = values[column].replace(",", ".") if decimal_comma else values[column]
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{name} is {text!r}; expected a number") from None
        if not math.isfinite(value):
            raise ValueError(f"{name} is {text}; expected a finite number")
        return value

    if not PurePosixPath(values["image"].replace("\\", "/")).name:
        raise ValueError("it names no image")
    word = values.get("word", "")
    category = values.get("class") or word or None
    box = None
    if any(values.get(f"corner {i}") for i in range(4)):
        x0, y0, x1, y1 = (number(f"corner {i}", "a corner of the box") for i in range(4))
        box = (x0, y0, x1, y1)
    if "w" in values and box is None and any(values[c] for c in "xywh"):
        x, y, w, h = (number(c, c) for c in "xywh")
        return PromptRow(box=(x, y, x + w, y + h), category=category or values.get("label") or None, word=word)
    if not (values.get("x") or values.get("y")):
        if box is None and not word:
            raise ValueError("it has neither a click nor a box" + (" nor a word" if "word" in values else ""))
        text = values.get("label", "")
        category = category or (text if text and not _is_number(text) else None)
        return PromptRow(box=box, category=category, word=word)
    label = number("label", "the label") if values.get("label") else 1.0
    if label not in (0, 1):
        raise ValueError(f"the label is {label:g}; expected 1 (foreground) or 0 (background)")
    return PromptRow(((number("x", "x"), number("y", "y")),), (int(label),), box, category, word)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _merged(parts: list[PromptRow]) -> PromptRow:
    """Return one prompt made of the rows that belong to it."""
    boxes = {part.box for part in parts if part.box is not None}
    if len(boxes) > 1:
        raise ValueError(f"it has {len(boxes)} boxes; expected at most one per prompt")
    words = list(dict.fromkeys(part.word for part in parts if part.word))
    if len(words) > 1:
        raise ValueError(f"it has the words {', '.join(words)}; expected at most one per prompt")
    return PromptRow(
        tuple(point for part in parts for point in part.points),
        tuple(label for part in parts for label in part.labels),
        next(iter(boxes), None),
        next((part.category for part in parts if part.category), None),
        *words,
    )
