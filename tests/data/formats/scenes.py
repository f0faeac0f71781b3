"""Small scenes with known masks, and the comparison of a task with them to the pixel."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np

from samtailor.data import Task
from tests.data.helpers import picture, save

WIDTH, HEIGHT = 48, 36
Shape = tuple[str, int, int, int, int]  # class, x, y, width, height of an L; width and height are even


def scene(number: int) -> list[Shape]:
    """Return two shapes whose places and sizes differ for each number up to 5."""
    first, second = ("leaf", 2 + number, 3, 12 + 2 * (number % 4), 8), ("stem", 26 - number, 14 + number, 8, 12)
    return [first, second] if number % 2 else [second, first]


def corners(shape: Shape) -> list[tuple[int, int]]:
    """Return the corners of an L: a box without its lower right quarter."""
    _, x, y, w, h = shape
    half, low = x + w // 2, y + h // 2
    return [(x, y), (x + w, y), (x + w, low), (half, low), (half, y + h), (x, y + h)]


def mask_of(shape: Shape, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return the mask of an L, (height, width) bool."""
    _, x, y, w, h = shape
    mask = np.zeros((height, width), dtype=bool)
    mask[y : y + h, x : x + w] = True
    mask[y + h // 2 : y + h, x + w // 2 : x + w] = False
    return mask


def label_map(number: int, values: dict[str, int] | None = None) -> np.ndarray:
    """Return the label map of a scene: values 1, 2 in the order of the shapes, or the value of each class."""
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for index, shape in enumerate(scene(number), 1):
        labels[mask_of(shape)] = index if values is None else values[shape[0]]
    return labels


def coloured(number: int, colours: dict[str, tuple[int, int, int]]) -> np.ndarray:
    """Return a colour mask of a scene, black outside the shapes."""
    colour = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    for shape in scene(number):
        colour[mask_of(shape)] = colours[shape[0]]
    return colour


def photo(path: Path) -> Path:
    """Save a picture of noise of the size of a scene."""
    return picture(path, WIDTH, HEIGHT)


def write_masks(path: Path, array: np.ndarray) -> Path:
    """Save a mask picture."""
    return save(path, array)


def check_scenes(task: Task, numbers: dict[str, int], label: str = "", joined: bool = False) -> None:
    """Check images, classes and masks.

    Args:
        task: the task.
        numbers: stem of each image -> number of its scene.
        label: class of all instances, if the files name no class.
        joined: True if all shapes of an image are one instance.
    """
    assert sorted(record.path.stem for record in task.images) == sorted(numbers)
    for record in task.images:
        assert (record.width, record.height) == (WIDTH, HEIGHT)
        shapes = scene(numbers[unicodedata.normalize("NFC", record.path.stem)])
        expected = sorted((label or shape[0], mask_of(shape).tobytes()) for shape in shapes)
        if joined:
            expected = [(label, np.any([mask_of(shape) for shape in shapes], axis=0).tobytes())]
        assert sorted((i.label, i.mask().tobytes()) for i in record.instances) == expected, record.path.name
