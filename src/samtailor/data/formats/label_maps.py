"""Label maps: mask pictures whose pixel values are instances or classes, and the file that names the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.formats.files import read_json
from samtailor.data.formats.sizes import check_mask_size
from samtailor.data.pixels.masks import MAX_LABEL, read_labels
from samtailor.data.pixels.rle import Rle, label_rles
from samtailor.errors import DataError

__all__ = ["UNNAMED_CLASS", "VOID", "read_classes", "read_label_map", "read_labels_of"]

VOID = 255
"""Value of pixels that belong to no class."""

UNNAMED_CLASS = "object"
"""Class of all instances if the classes have no names."""

_CLASSES_HINT = 'Write it like {"1": "cell", "2": "wall"}.'


def read_classes(path: Path) -> dict[int, str] | None:
    """Read mask values and class names from a classes.json.

    Returns:
        value -> class name, in rising order of values; None if the file does not exist.

    Raises:
        DataError: the file is not a JSON object of mask values and class names.
    """
    if not path.exists():
        return None
    content = read_json(path, "an object of mask values and class names", _CLASSES_HINT)
    classes: dict[int, str] = {}
    for key, name in content.items():
        if not (key.isascii() and key.isdecimal() and len(key) <= 5 and int(key) <= MAX_LABEL) or int(key) in classes:
            raise DataError(
                f"{path} has the mask value {key!r}; expected whole numbers from 0 to {MAX_LABEL}, each once.",
                _CLASSES_HINT,
            )
        if not isinstance(name, str) or not name.strip() or name.strip() in classes.values():
            raise DataError(f"{path} has the class name {name!r}; expected text, each name once.", _CLASSES_HINT)
        classes[int(key)] = name.strip()
    classes.pop(0, None)  # 0 is background, whatever its name
    if not classes:
        raise DataError(f"{path} names no class; expected one or more.", _CLASSES_HINT)
    return dict(sorted(classes.items()))


def read_label_map(
    mask: Path, image: Path | str, width: int, height: int, classes: dict[int, str] | None
) -> dict[int, tuple[str, Rle, int]]:
    """Read the masks in a mask picture.

    Args:
        mask: the mask picture.
        image: its image, for messages.
        width: width of the image, pixels.
        height: height of the image, pixels.
        classes: value -> class name. If None, each value above 0 is an instance of the class ``object``.

    Returns:
        value -> (class name, compressed RLE, area).

    Raises:
        DataError: the mask cannot be read, has the wrong size, or has a value that ``classes`` does not name.
    """
    labels = read_labels_of(mask, image, width, height)
    masks = label_rles(labels)
    if classes is None:
        return {value: (UNNAMED_CLASS, *rle_and_area) for value, rle_and_area in masks.items()}
    if VOID not in classes:
        masks.pop(VOID, None)
    _check_named(mask, labels, list(masks), classes)
    return {value: (classes[value], *rle_and_area) for value, rle_and_area in masks.items()}


def read_labels_of(mask: Path, image: Path | str, width: int, height: int) -> np.ndarray:
    """Read the labels (H, W) of a mask picture that has the size of its image.

    Raises:
        DataError: the mask cannot be read or has the wrong size.
    """
    labels = read_labels(mask)
    check_mask_size(mask, labels, image, width, height)
    return labels


def _check_named(mask: Path, labels: np.ndarray, values: list[int], classes: dict[int, str]) -> None:
    unnamed = [value for value in values if value not in classes]
    if unnamed:
        pixels = int((labels == unnamed[0]).sum())
        raise DataError(
            f"Mask {mask} has the value {unnamed[0]} ({pixels} pixels), which classes.json does not name; expected "
            f"{', '.join(f'{value} {name}' for value, name in classes.items())}.",
            f"Name the value in classes.json, or set those pixels to {VOID} (void).",
        )
