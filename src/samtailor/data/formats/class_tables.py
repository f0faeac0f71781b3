"""Tables that name the values or the colours of mask pictures, as tools and publishers write them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtailor.data.formats.encodings import read_any_json, read_text
from samtailor.data.formats.find_images import is_outside
from samtailor.data.formats.label_maps import read_classes
from samtailor.data.words import cut, quoted
from samtailor.errors import DataError

__all__ = ["BACKGROUND", "ClassTable", "Colour", "colour_text", "colours_to_paste", "find_table", "values_to_paste"]

Colour = tuple[int, int, int]

BACKGROUND = frozenset(
    (
        "background",
        "bg",
        "backgroud",
        "unlabeled",
        "unlabelled",
        "void",
        "ignore",
        "ignored",
        "none",
        "undefined",
        "unknown",
    )
)
"""Names of no class, in lower case, without underscores around them."""

_VALUE_KEYS = ("pixel value", "value", "pixel", "id", "index", "idx", "label id", "class id", "label value", "trainid")
_NAME_KEYS = ("class", "name", "label", "class name", "label name", "category", "classes", "names")
_HINT = 'Write classes.json as {"1": "cell", "2": "wall"}, or class_dict.csv with the columns name,r,g,b.'


@dataclass(frozen=True)
class ClassTable:
    """Names of mask values, of colours, or of both.

    Attributes:
        file: the file that holds the table.
        values: value -> class name, in rising order; without background.
        colours: colour -> class name; without background.
        background: colours of background.
        zero: name of the value 0 if it is not a name of background; empty otherwise.
    """

    file: Path
    values: dict[int, str] = field(default_factory=dict)
    colours: dict[Colour, str] = field(default_factory=dict)
    background: frozenset[Colour] = frozenset()
    zero: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, each once, in the order of the table."""
        return tuple(dict.fromkeys([*self.values.values(), *self.colours.values()]))


def find_table(folders: Iterable[Path]) -> ClassTable | None:
    """Read the table of classes of a data set.

    Args:
        folders: folders to search, most important first. A table in several folders must be the same in all.

    Raises:
        DataError: a table is damaged, or two of the same name differ.
    """
    tables: dict[str, ClassTable] = {}
    present = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
    for folder in present:
        names = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES}
        for name, read in _READERS.items():
            if name not in names:
                continue
            if names[name].is_symlink() and is_outside(Path(os.path.commonpath(present)), names[name]):
                raise DataError(
                    f"{names[name]} is a link to a file outside the data set, whose lines are not shown as classes.",
                    "Copy the file into the folder.",
                )
            if (table := read(names[name])) is None:
                continue
            first = tables.setdefault(name, table)
            if (first.values, first.colours) != (table.values, table.colours):
                raise DataError(
                    f"{first.file} and {table.file} name different classes; expected one table.",
                    "Write one classes.json in the folder of the data set, and convert the masks to it.",
                )
    chosen = [tables[name] for name in _READERS if name in tables]
    if not chosen:
        return None
    values = next((table for table in chosen if table.values), chosen[0])
    colours = next((table for table in chosen if table.colours), chosen[0])
    first = chosen[0]
    return ClassTable(first.file, values.values, colours.colours, colours.background, first.zero)


def values_to_paste(values: Iterable[int]) -> str:
    """Return a classes.json that gives each value a name to replace."""
    return json.dumps({str(value): f"class {value}" for value in sorted(values)})


def colours_to_paste(colours: Iterable[Colour]) -> str:
    """Return the lines of a class_dict.csv that give each colour a name to replace, in one line for a message."""
    chosen = [colour for colour in colours if colour != (0, 0, 0)]
    rows = ["name,r,g,b", "background,0,0,0", *(f"class {n},{colour_text(c)}" for n, c in enumerate(chosen, 1))]
    return "\n  " + "\n  ".join(rows)


def colour_text(colour: Colour) -> str:
    """Return a colour as ``255,0,128``."""
    return ",".join(str(part) for part in colour)


def _is_background(name: str) -> bool:
    return name.strip().strip("_").lower() in BACKGROUND


def _table(path: Path, rows: Iterable[tuple[int | None, Colour | None, str]]) -> ClassTable | None:
    """Make a table of rows of value, colour and name. None if there are no rows."""
    values: dict[int, str] = {}
    colours: dict[Colour, str] = {}
    background: set[Colour] = set()
    zero, count = "", 0
    for value, colour, text in rows:
        name, count = text.strip(), count + 1
        if not name:
            raise DataError(f"{path} has a class without a name.", _HINT)
        if colour is not None and _is_background(name):
            background.add(colour)
        elif colour is not None and colours.setdefault(colour, name) != name:
            raise DataError(f"{path} gives the colour {colour_text(colour)} to two classes.", _HINT)
        if value is not None and not _is_background(name):
            if value == 0:
                zero = name
            elif values.setdefault(value, name) != name:
                raise DataError(f"{path} gives the value {value} to two classes.", _HINT)
    if not count:
        return None
    if not (values or colours or zero):
        raise DataError(f"{path} names background only; expected one class or more.", _HINT)
    return ClassTable(path, dict(sorted(values.items())), colours, frozenset(background), zero)


def _read_classes_json(path: Path) -> ClassTable | None:
    """Read classes.json: value -> name, name -> value, name -> colour, or a list of names from 0 on."""
    content = read_any_json(path)[0]
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        return _named_lines(path, content)
    if isinstance(content, dict) and content:
        if all(type(value) is int for value in content.values()):
            return _table(path, ((value, None, str(name)) for name, value in content.items()))
        if all(_as_colour(value) for value in content.values()):
            return _table(path, ((None, _as_colour(value), name) for name, value in content.items()))
        if all(_as_colour(key) for key in content) and all(isinstance(name, str) for name in content.values()):
            return _table(path, ((None, _as_colour(key), name) for key, name in content.items()))
    if isinstance(content, dict) and isinstance(rows := content.get("classes"), list) and rows:
        named = [row for row in rows if isinstance(row, dict) and (row.get("title") or row.get("name"))]
        coloured = [(None, _as_colour(row.get("color")), str(row.get("title") or row["name"])) for row in named]
        if len(named) == len(rows) and all(colour for _, colour, _ in coloured):  # of Supervisely
            return _table(path, coloured)
    classes = read_classes(path) or {}
    zero = content.get("0", "") if isinstance(content, dict) else ""
    return ClassTable(path, classes, zero=zero if isinstance(zero, str) and not _is_background(zero) else "")


def _read_id2label(path: Path) -> ClassTable | None:
    content = read_any_json(path)[0]
    if isinstance(content, dict):
        content = content.get("id2label", content.get("label2id", content))
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} holds no mask values with names.", _HINT)
    if all(type(value) is int for value in content.values()):
        content = {str(value): name for name, value in content.items()}
    return _table(path, ((_whole(path, key), None, str(name)) for key, name in content.items()))


def _read_dataset_meta(path: Path) -> ClassTable | None:
    """Read dataset_meta.json of Datumaro: ``label_map`` or ``labels``, and ``segmentation_colors`` in their order."""
    content = read_any_json(path)[0]
    labels: Any = content.get("label_map", content.get("labels")) if isinstance(content, dict) else None
    if isinstance(labels, list):
        labels = {str(value): name for value, name in enumerate(labels)}
    if not isinstance(labels, dict) or not labels:
        return None
    if all(type(value) is int for value in labels.values()):
        labels = {str(value): name for name, value in labels.items()}
    stated = content.get("segmentation_colors") or []
    colours = [_as_colour(colour) for colour in stated] if isinstance(stated, list) else []
    colours += [None] * (len(labels) - len(colours))
    background = str(content.get("background_label", "")).strip()
    rows = []
    for (key, name), colour in zip(labels.items(), colours, strict=False):
        rows.append((_whole(path, key), colour, "background" if background in (key, str(name)) else str(name)))
    return _table(path, rows)


def _read_nnunet(path: Path) -> ClassTable | None:
    """Read dataset.json of nnU-Net: ``labels`` with name -> value, or value -> name in version 1."""
    content = read_any_json(path)[0]
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(value, (str, int)) for value in labels.values()):
        return None  # of something else
    if all(type(value) is int for value in labels.values()):
        labels = {str(value): name for name, value in labels.items()}
    if not all(str(key).isdecimal() for key in labels):
        return None
    return _table(path, ((int(key), None, str(name)) for key, name in labels.items()))


def _read_csv(path: Path) -> ClassTable | None:
    """Read a table with a header: a name with a value, with r, g, b, or with both."""
    text = read_text(path)[0].strip()
    first = text.partition("\n")[0]
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    rows = [[part.strip() for part in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    rows = [row for row in rows if any(row)]
    if not rows:
        return None
    header = [name.lower().strip().replace("_", " ").lstrip("\ufeff") for name in rows[0]]
    columns = {
        "name": _column(header, _NAME_KEYS),
        "value": _column(header, _VALUE_KEYS),
        **{letter: _column(header, (letter, word)) for letter, word in (("r", "red"), ("g", "green"), ("b", "blue"))},
        "colour": _column(header, ("color", "colour", "rgb", "hex")),
    }
    if columns["name"] is None:
        raise DataError(f"{path} has the columns {', '.join(rows[0])[:100]}; expected one with the class name.", _HINT)
    by_order = columns["value"] is None and columns["r"] is None and columns["colour"] is None
    if by_order:
        return _named_lines(path, [row[columns["name"]] for row in rows[1:]])
    return _table(path, (_csv_row(path, row, columns) for row in rows[1:]))


def _csv_row(path: Path, row: list[str], columns: dict[str, int | None]) -> tuple[int | None, Colour | None, str]:
    def cell(column: str) -> str | None:
        index = columns[column]
        if index is None:
            return None
        if index >= len(row):
            raise DataError(f"{path} has a row with {len(row)} cells: {quoted(','.join(row))}.", _HINT)
        return row[index]

    value, colour = cell("value"), None
    parts = [cell(letter) for letter in "rgb"]
    if all(part is not None for part in parts):
        colour = _as_colour(" ".join(str(part) for part in parts))
    elif (text := cell("colour")) is not None:
        colour = _as_colour(text)
    else:
        parts = []
    if colour is None and any(part is not None for part in parts):
        raise DataError(
            f"{path} has the colour {quoted(' '.join(map(str, parts)))}; expected three of 0 to 255.", _HINT
        )
    return None if value is None else _whole(path, value), colour, str(cell("name"))


def _read_labelmap(path: Path) -> ClassTable | None:
    """Read labelmap.txt of CVAT and Datumaro: ``name:red,green,blue:parts:actions``."""
    lines = [line.strip() for line in read_text(path)[0].splitlines()]
    entries = [line.split(":") for line in lines if line and not line.startswith("#")]
    if all(len(entry) > 1 and _as_colour(entry[1]) for entry in entries):
        return _table(path, ((value, _as_colour(entry[1]), entry[0]) for value, entry in enumerate(entries)))
    return _named_lines(path, [entry[0] for entry in entries])


def _read_colour_lines(path: Path) -> ClassTable | None:
    """Read label_colors.txt of CamVid: ``64 128 64<tab>Animal``, or the name first."""
    rows: list[tuple[int | None, Colour | None, str]] = []
    for line in read_text(path)[0].splitlines():
        match = re.fullmatch(r"\s*(?P<rgb>\d+[ ,]+\d+[ ,]+\d+)[\s,;:]+(?P<name>.+?)\s*", line) or re.fullmatch(
            r"\s*(?P<name>.+?)[\s,;:]+(?P<rgb>\d+[ ,]+\d+[ ,]+\d+)\s*", line
        )
        if match:
            rows.append((None, _as_colour(match["rgb"]), match["name"]))
        elif line.strip() and not line.lstrip().startswith("#"):
            raise DataError(f"{path} has the line {quoted(line)}; expected a colour and a name: 64 128 64 tree.", _HINT)
    return _table(path, rows)


def _read_names(path: Path) -> ClassTable | None:
    lines = [line.strip() for line in read_text(path)[0].splitlines()]
    return _named_lines(path, [line for line in lines if line and not line.startswith("#")])


def _read_codes(path: Path) -> ClassTable | None:
    """Read codes.txt of fastai, or classes.txt: names in order, from 0 on. A list without background is none.

    YOLO has a classes.txt too, whose first class has the number 0.
    """
    lines = [line.strip() for line in read_text(path)[0].splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    if not any(_is_background(name) for name in names):
        return None
    return _table(path, ((value, None, name) for value, name in enumerate(names)))


def _read_numbered_names(path: Path) -> ClassTable | None:
    """Read names in order, or lines with their values: ``1: person``, as labels.txt of COCO-stuff."""
    lines = [line.strip() for line in read_text(path)[0].splitlines()]
    matches = [re.fullmatch(r"(\d{1,5})\s*[:;,=\t ]\s*(\S.*)", line) for line in lines if line]
    if matches and all(matches):
        return _table(path, ((int(match[1]), None, match[2]) for match in matches if match))
    return _read_names(path)


def _named_lines(path: Path, names: list[str]) -> ClassTable | None:
    """Return the table of names in order, from 0 on; background must come first, or the first value is not clear."""
    if not names:
        return None
    if not _is_background(names[0]):
        shifted = json.dumps({str(value): name for value, name in enumerate(names, 1)})
        raise DataError(
            f"{path} lists names, and the first is {names[0]!r}; expected background first. It is not clear whether "
            f"{names[0]!r} has the value 0 or 1.",
            f"If 0 is background, write classes.json instead: {cut(shifted, 400)}",
        )
    return _table(path, ((value, None, name) for value, name in enumerate(names)))


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _whole(path: Path, text: str) -> int:
    if re.fullmatch(r"\d{1,6}(\.0+)?", str(text).strip()):
        return int(float(text))
    raise DataError(f"{path} has the mask value {quoted(text)}; expected a whole number.", _HINT)


def _as_colour(value: Any) -> Colour | None:
    """Return a colour from [r, g, b], "r,g,b", "r g b" or "#rrggbb"; None if it is none."""
    if isinstance(value, str):
        if match := re.fullmatch(r"#([0-9a-fA-F]{6})", value.strip()):
            number = int(match[1], 16)
            return number >> 16, number >> 8 & 255, number & 255
        if not re.fullmatch(r"[\s(\[]*\d{1,3}([\s,;]+\d{1,3}){2}[\s)\]]*", value):
            return None
        value = [int(part) for part in re.findall(r"\d+", value)]
    if (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and all(type(part) is int and 0 <= part < 256 for part in value)
    ):
        return int(value[0]), int(value[1]), int(value[2])
    return None


_SUFFIXES = (".json", ".csv", ".txt", ".tsv")

# Names of files, in lower case, most important first.
_READERS: dict[str, Callable[[Path], ClassTable | None]] = {
    "classes.json": _read_classes_json,
    "id2label.json": _read_id2label,
    "label2id.json": _read_id2label,
    "dataset_meta.json": _read_dataset_meta,
    "_classes.csv": _read_csv,
    "classes.csv": _read_csv,
    "class_dict.csv": _read_csv,
    "class_dict_seg.csv": _read_csv,
    "class_dictionary.csv": _read_csv,
    "labels.csv": _read_csv,
    "labelmap.csv": _read_csv,
    "label_map.csv": _read_csv,
    "colormap.csv": _read_csv,
    "color_map.csv": _read_csv,
    "labelmap.txt": _read_labelmap,
    "label_map.txt": _read_labelmap,
    "label_colors.txt": _read_colour_lines,
    "objectinfo150.txt": _read_csv,
    "label_colours.txt": _read_colour_lines,
    "labels_colors.txt": _read_colour_lines,
    "colormap.txt": _read_colour_lines,
    "dataset.json": _read_nnunet,
    "class_names.txt": _read_numbered_names,
    "labels.txt": _read_numbered_names,
    "codes.txt": _read_codes,
    "classes.txt": _read_codes,
}
