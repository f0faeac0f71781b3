"""The classes of a Pascal VOC folder, and mask pictures that go by colour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samtailor.data.formats.class_tables import ClassTable, Colour, find_table
from samtailor.data.formats.encodings import read_text
from samtailor.data.formats.label_maps import VOID, read_labels_of
from samtailor.data.formats.sizes import check_mask_size
from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.errors import DataError, ImageError

__all__ = ["VOC_CLASSES", "VocClasses", "read_class_picture", "read_object_picture", "read_voc_classes"]

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_VOID_COLOUR = 224 << 16 | 224 << 8 | 192  # of Pascal VOC's palette at 255
_HINT = "Write one name per line, _background_ first."


@dataclass(frozen=True)
class VocClasses:
    """Classes and the table of their colours.

    Attributes:
        source: the file that names them; None for Pascal's twenty.
        names: value in class pictures -> class name; 0 is background.
        colours: red << 16 | green << 8 | blue -> value; empty if the file states no colours.
    """

    source: Path | None
    names: dict[int, str]
    colours: dict[int, int]


def read_voc_classes(home: Path) -> VocClasses:
    """Read ``class_names.txt`` or ``labelmap.txt`` (``name:red,green,blue:parts:actions``, as CVAT writes it).

    Without them another table that image and mask folders may have, such as ``classes.txt`` or ``class_dict.csv``,
    names the classes; without any, the classes are Pascal's twenty.

    Raises:
        DataError: the file does not name background first, or names no class, or one twice.
    """
    file = next((home / name for name in ("class_names.txt", "labelmap.txt") if (home / name).is_file()), None)
    if file is None:
        other = find_table([home, home / "SegmentationClass", home / "ImageSets"])
        return VocClasses(None, dict(enumerate(VOC_CLASSES, 1)), {}) if other is None else _from_table(other)
    lines = [line.strip() for line in read_text(file)[0].splitlines()]
    entries = [line.split(":") for line in lines if line and not line.startswith("#")]
    entries = [entry for entry in entries if entry[0].strip() != "__ignore__"]
    colours = [_colour(entry[1]) if len(entry) > 1 else None for entry in entries]
    is_background = [entry[0].strip().strip("_").lower() in ("background", "bg") for entry in entries]
    if all(colour is not None for colour in colours) and any(is_background[1:]):  # colours decide, not the order
        order = sorted(range(len(entries)), key=lambda n: not is_background[n])
        entries, colours = [entries[n] for n in order], [colours[n] for n in order]
        is_background.sort(reverse=True)
    names = [entry[0].strip() for entry in entries]
    if not names or not is_background[0] or len(set(names)) < len(names):
        raise DataError(f"{file} has the names {names[:5]}; expected background first, then each class once.", _HINT)
    if len(names) == 1:
        raise DataError(f"{file} names background only; expected one class or more.", _HINT)
    table = {colour: value for value, colour in enumerate(colours) if colour is not None}
    distinct = len(table) == len(entries)
    return VocClasses(file, dict(enumerate(names[1:], 1)), table if distinct else {})


def _from_table(table: ClassTable) -> VocClasses:
    numbers = {name: value for value, name in table.values.items()}
    for name in table.colours.values():
        numbers.setdefault(name, max(numbers.values(), default=0) + 1)
    colours = {_packed(colour): numbers[name] for colour, name in table.colours.items()}
    if colours:
        colours = {0: 0, **{_packed(colour): 0 for colour in table.background}, **colours}
    return VocClasses(table.file, {value: name for name, value in numbers.items()}, colours)


def read_class_picture(path: Path, image: Path, width: int, height: int, classes: VocClasses) -> np.ndarray:
    """Return the classes (H, W) of a class picture: by its colours if the table knows them, or else by its values.

    Raises:
        DataError: the picture cannot be read, has another size, or a colour or value without a class.
    """
    colours = _colours(path)
    if colours is not None and classes.colours:
        check_mask_size(path, colours, image, width, height)
        used, inverse = np.unique(colours, return_inverse=True)
        values = [VOID if colour == _VOID_COLOUR else classes.colours.get(colour) for colour in used.tolist()]
        if None not in values:
            return np.array(values, dtype=np.int64)[inverse].reshape(colours.shape)
        if not _has_palette(path):
            unknown = int(used[values.index(None)])
            names = {0: "background", **classes.names}
            known = [f"{_as_text(colour)} {names[value]}" for colour, value in classes.colours.items()]
            raise DataError(
                f"{path} has the colour {_as_text(unknown)}, which {classes.source} does not name; expected "
                f"{', '.join(known[:10])}.",
                f"Add the colour to {classes.source.name if classes.source else 'labelmap.txt'}.",
            )
    labels = read_labels_of(path, image, width, height)
    unknown_values = [v for v in np.unique(labels).tolist() if v not in (0, VOID) and v not in classes.names]
    if unknown_values:
        raise DataError(
            f"{path} has the class {unknown_values[0]}; expected 1 to {max(classes.names)} ({VOID} is void).",
            "Name the classes in class_names.txt, one per line, _background_ first.",
        )
    return labels


def read_object_picture(path: Path, image: Path, width: int, height: int) -> np.ndarray:
    """Return the objects (H, W) of an object picture: its values, or a number for each colour. 0 is background.

    Raises:
        DataError: the picture cannot be read or has another size.
    """
    colours = None if _has_palette(path) else _colours(path)
    if colours is None:
        return read_labels_of(path, image, width, height)
    check_mask_size(path, colours, image, width, height)
    used, inverse = np.unique(colours, return_inverse=True)
    numbers = np.array([0 if c == 0 else VOID if c == _VOID_COLOUR else n + 1000 for n, c in enumerate(used.tolist())])
    return numbers[inverse].reshape(colours.shape)


def _colour(text: str) -> int | None:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdecimal() for part in parts):
        return None
    red, green, blue = (min(int(part), 255) for part in parts)
    return _packed((red, green, blue))


def _packed(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _as_text(colour: int) -> str:
    return f"{colour >> 16},{colour >> 8 & 255},{colour & 255}"


def _has_palette(path: Path) -> bool:
    try:
        with open_picture(path) as picture:
            return bool(picture.mode == "P")
    except ImageError as error:
        raise DataError(f"Mask {path} cannot be read: {error.what}", error.hint) from error


def _colours(path: Path) -> np.ndarray | None:
    """Return red << 16 | green << 8 | blue of each pixel; None for a grey picture, or one with lossy compression."""
    try:
        with open_picture(path) as picture:
            if picture.mode not in ("RGB", "RGBA", "P") or picture.format in ("JPEG", "MPO", "WEBP"):
                return None
            pixels = np.asarray(upright(picture).convert("RGB"), dtype=np.int64)
            is_palette = picture.mode == "P"
    except ImageError as error:
        raise DataError(f"Mask {path} cannot be read: {error.what}", error.hint) from error
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    if not is_palette and (red == green).all() and (green == blue).all():
        return None
    return red << 16 | green << 8 | blue
