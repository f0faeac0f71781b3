"""Reading a task of the YOLO segmentation kind: a text file per image, a polygon per line."""

from __future__ import annotations

import math
from pathlib import Path

from samtailor.data.formats.folders import IMAGE_SUFFIXES
from samtailor.data.formats.reading import (
    Draft,
    Found,
    number_instances,
    read_lines,
    rectangles_note,
    size_of,
    split_drafts,
)
from samtailor.data.formats.shapes import BOXES_HINT, box_rle
from samtailor.data.formats.yolo_files import YoloFiles, find_yolo, labels_of
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["read_yolo"]

_SLACK = 0.05  # of the image's side: so far may a coordinate reach outside; it is clipped


def read_yolo(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read a YOLO data set: ``class x1 y1 x2 y2 x3 y3 ...`` per instance, in shares of the image's width and height.

    An image without a label file has no instances, as is YOLO's habit.

    Args:
        root: the folder with data.yaml, or that file; without one ``classes.txt``, ``images/`` and ``labels/``.
        seed: of the split where the files make none: 70 % train, 10 % val, 20 % test by file name.
        boxes_as_masks: fill lines of five numbers, which are boxes, in; they are an error otherwise.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it, and the line.
    """
    root = Path(root)
    files = find_yolo(root)
    folder = root if root.is_dir() else root.parent
    drafts = {split: _drafts(files, split, images, boxes_as_masks) for split, images in files.images.items()}
    layout = "YOLO"
    if "" in drafts:
        drafts = split_drafts(drafts[""], folder, seed)
        layout += f", split 70/10/20 by file name (seed {seed})"
    layout += rectangles_note([draft for some in drafts.values() for draft in some])
    splits = {split: number_instances(some) for split, some in drafts.items()}
    return Task(folder.resolve().name, folder, layout, tuple(files.classes.values()), splits)


def _drafts(files: YoloFiles, split: str, images: list[Path], boxes_as_masks: bool) -> list[Draft]:
    labels = {image: labels_of(image) for image in images}
    _refuse_lone_labels(labels, split)
    return [_draft(image, label, files, boxes_as_masks) for image, label in labels.items()]


def _refuse_lone_labels(labels: dict[Path, Path], split: str) -> None:
    where = f"of {split} " if split else ""
    if labels and not any(label.is_file() for label in labels.values()):
        first = next(iter(labels.values()))
        raise DataError(
            f"None of the {len(labels)} images {where}has a label file; looked for {first} first.",
            "Put the labels into labels/ beside images/, in folders of the same names.",
        )
    folders = {label.parent: image.parent for image, label in labels.items() if "labels" in label.parts}
    for folder, images in folders.items():
        stems = {path.stem for path in images.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES}
        for path in sorted(folder.glob("*.txt")):
            if path.stem not in stems and path.name != "classes.txt":
                raise DataError(
                    f"{path} has no image; expected one of that name in {images}.", "Add it or remove this."
                )


def _draft(image: Path, label: Path, files: YoloFiles, boxes_as_masks: bool) -> Draft:
    width, height = size_of(image)
    found: list[Found] = []
    boxes = 0
    for number, line in read_lines(label) if label.is_file() else []:
        try:
            name, values = _parse(line, files)
            is_box = len(values) == 4 or files.keypoints
            if is_box and not boxes_as_masks:
                what = "key points and a box" if files.keypoints else "5 numbers are a class and a box"
                raise DataError(
                    f"{label}, line {number}: {what}; a mask is a class and three points or more (7 numbers).",
                    BOXES_HINT,
                )
            boxes += is_box
            found.append((name, *(_box if is_box else _polygon)(values, height, width)))
        except ValueError as error:
            raise DataError(
                f"{label}, line {number}: {error}.", "Lines are: class x1 y1 x2 y2 x3 y3 ..., coordinates from 0 to 1."
            ) from error
    return Draft(image, width, height, tuple(found), boxes)


def _parse(line: str, files: YoloFiles) -> tuple[str, list[float]]:
    """Class name and coordinates of a line."""
    try:
        number, *values = [float(part) for part in line.split()]
    except ValueError as error:
        raise ValueError(f"{line[:60]!r} is not made of numbers") from error
    if not number.is_integer() or int(number) not in files.classes:
        known = ", ".join(f"{key} {name}" for key, name in list(files.classes.items())[:10])
        raise ValueError(f"the class {line.split()[0]} is not named in {files.source.name}, which names {known}")
    if len(values) == 5:
        raise ValueError("6 numbers are a class, a box and a confidence, as predictions have them")
    if len(values) < 4 or (len(values) % 2 and not files.keypoints):
        raise ValueError(f"it has {len(values) + 1} numbers; expected a class and pairs of x and y, three or more")
    checked = values[:4] if files.keypoints else values
    for value in checked:
        if not math.isfinite(value) or not -_SLACK <= value <= 1 + _SLACK:
            raise ValueError(f"the coordinate {value:g} lies outside 0 to 1; expected shares of the image's sides")
    return files.classes[int(number)], checked


def _polygon(values: list[float], height: int, width: int) -> tuple[Rle, int]:
    sides = (width, height)
    return polygons_rle([[value * sides[n % 2] for n, value in enumerate(values)]], height, width)


def _box(values: list[float], height: int, width: int) -> tuple[Rle, int]:
    x, y, w, h = values
    if w <= 0 or h <= 0:
        raise ValueError(f"the box is {w:g} wide and {h:g} high; expected more than 0")
    left, right, top, bottom = (x - w / 2) * width, (x + w / 2) * width, (y - h / 2) * height, (y + h / 2) * height
    return box_rle(left, top, right, bottom, height, width)
