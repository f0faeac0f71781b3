"""Read a YOLO segmentation data set: a text file per image, a polygon per line."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from samtailor.data.formats.builders import without_repeats
from samtailor.data.formats.drafts import Draft, LabelledMask, split_drafts, task_from_drafts
from samtailor.data.formats.encodings import note_encoding, read_text
from samtailor.data.formats.files import IMAGE_SUFFIXES, picture_size
from samtailor.data.formats.find_images import note_outside
from samtailor.data.formats.oriented import BOX_SHARE, has_right_angles
from samtailor.data.formats.shapes import BOXES_HINT, box_rle
from samtailor.data.formats.yolo_files import YoloFiles, find_yolo, label_file
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.splits import split_note
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["read_yolo"]

_TOLERANCE = 0.05  # a coordinate may be this far outside the image, as a share of its side; it is clipped
_LINE_HINT = "Write lines like: class x1 y1 x2 y2 x3 y3 ..., with coordinates from 0 to 1."


@dataclass
class _Image:
    """An image with the masks of its lines.

    Attributes:
        path: the image.
        label: its label file, which may not exist.
        width: width, pixels.
        height: height, pixels.
        masks: line number, mask, and True if the line is a box.
        corners: for each polygon: True if it is a rectangle, False if it is another quadrilateral, None otherwise.
    """

    path: Path
    label: Path
    width: int
    height: int
    masks: list[tuple[int, LabelledMask, bool]] = field(default_factory=list)
    corners: list[bool | None] = field(default_factory=list)


def read_yolo(root: str | Path, seed: int = 0, boxes_as_masks: bool = False, *, reading: Reading | None = None) -> Task:
    """Read a YOLO data set: ``class x1 y1 x2 y2 x3 y3 ...`` per instance, in shares of the image's width and height.

    An image without a label file has no instances, as usual with YOLO. Lines of five numbers are boxes. If all lines
    have four corners with right angles, they are oriented boxes.

    Args:
        root: the folder with data.yaml, or that file. Without a yaml: a folder with ``classes.txt``, ``images/`` and
            ``labels/``.
        seed: seed of the split by file name, if the files make none.
        boxes_as_masks: fill boxes. Otherwise a few boxes among masks are left out, and boxes alone are an error.
        reading: collects broken lines and repairs; None judges them here.

    Raises:
        DataError: too much is broken, or files contradict each other. The message names files and lines.
    """
    root = Path(root)
    own = reading is None
    reading = reading or Reading(ReadOptions(seed, boxes_as_masks))
    files = find_yolo(root, reading)
    folder = root if root.is_dir() else root.parent
    images = {split: _images(files, split, paths, folder, reading) for split, paths in files.images.items()}
    boxes_are_good = _judge_boxes(folder, [image for rows in images.values() for image in rows], files, reading)
    drafts = {split: [_draft(image, boxes_are_good, reading) for image in rows] for split, rows in images.items()}
    layout = "YOLO"
    if "" in drafts:
        drafts = split_drafts(drafts[""], folder, reading.options.seed)
        layout += f", {split_note('file name', reading.options.seed)}"
    task = task_from_drafts(folder, layout, files.classes.values(), drafts)
    return replace(task, findings=reading.finish(folder)) if own else task


def _judge_boxes(folder: Path, images: list[_Image], files: YoloFiles, reading: Reading) -> bool:
    """Record boxes among masks as broken lines; return True if boxes are filled.

    Raises:
        DataError: all lines are boxes, and boxes are not filled.
    """
    corners = [corner for image in images for corner in image.corners]
    oriented = bool(corners) and None not in corners and sum(map(bool, corners)) >= BOX_SHARE * len(corners)
    if oriented:
        for image in images:
            image.masks = [(number, mask, True) for number, mask, _ in image.masks]
    if reading.options.boxes_as_masks:
        return True
    boxes = [(image, number) for image in images for number, _, is_box in image.masks if is_box]
    if boxes and len(boxes) == sum(len(image.masks) for image in images):
        first, number = boxes[0]
        kind = "have four corners with right angles: they are oriented boxes (YOLO OBB)"
        if not oriented:
            kind = f"are {'key points and boxes' if files.keypoints else 'boxes of 5 numbers, a class and a box'}"
        raise DataError(
            f"All {len(boxes)} lines in the labels of {folder} {kind}, the first is line {number} of {first.label}; "
            "expected outlines: a class and three or more points (7 numbers).",
            BOXES_HINT,
        )
    for image, number in boxes:
        cause = "it has 5 numbers, which are a class and a box; expected a class and three or more points (7 numbers)"
        reading.broken(image.label, f"line {number}", cause, BOXES_HINT)
    return False


def _draft(image: _Image, boxes_are_good: bool, reading: Reading) -> Draft:
    masks = [(mask, is_box) for _, mask, is_box in image.masks if boxes_are_good or not is_box]
    masks = without_repeats(masks, reading, image.path)
    boxes = sum(is_box for _, is_box in masks)
    return Draft(image.path, image.width, image.height, tuple(mask for mask, _ in masks), boxes)


def _images(files: YoloFiles, split: str, paths: list[Path], folder: Path, reading: Reading) -> list[_Image]:
    labels = {path: label_file(path) for path in paths}
    _check_pairs(labels, split, reading)
    images: list[_Image] = []
    for path, label in labels.items():
        try:
            image = _Image(path, label, *picture_size(path))
            if label.is_file():
                _read_label_file(image, files, reading)
        except DataError as error:
            reading.count()
            reading.broken(path, "", error.what.removesuffix("."), error.hint)
            continue
        note_outside(reading, folder, path)
        images.append(image)
    return images


def _check_pairs(labels: dict[Path, Path], split: str, reading: Reading) -> None:
    """Record label files without an image as broken.

    Args:
        labels: image -> its label file, which may not exist.
        split: split of the images; "" if they are not split.
        reading: the reading.

    Raises:
        DataError: no image has a label file.
    """
    if labels and not any(label.is_file() for label in labels.values()):
        of_split = f"of {split} " if split else ""
        raise DataError(
            f"None of the {len(labels)} images {of_split}has a label file; expected {next(iter(labels.values()))} for "
            "the first.",
            "Put the labels into labels/ beside images/, with the same sub-folders.",
        )
    folders = {label.parent: image.parent for image, label in labels.items() if "labels" in label.parts}
    for label_folder, image_folder in folders.items():
        stems = {path.stem for path in image_folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES}
        for path in sorted(label_folder.glob("*.txt")):
            if path.stem not in stems and path.name != "classes.txt":
                reading.count()
                cause = f"it has no image; expected one with the same stem in {image_folder}"
                reading.broken(path, "", cause, "Add the image or remove the label file.")


def _read_label_file(image: _Image, files: YoloFiles, reading: Reading) -> None:
    text, encoding = read_text(image.label)
    note_encoding(reading, image.label, encoding)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        reading.count()
        try:
            name, values = _parse(line, files)
            is_box = len(values) == 4 or files.keypoints
            rle, area = (_box if is_box else _polygon)(values, image.height, image.width)
        except ValueError as error:
            reading.broken(image.label, f"line {number}", str(error), _LINE_HINT)
            continue
        image.masks.append((number, LabelledMask(name, rle, area), is_box))
        if not is_box:
            points = [(x * image.width, y * image.height) for x, y in zip(values[::2], values[1::2], strict=True)]
            image.corners.append(has_right_angles(points) if len(points) == 4 else None)


def _parse(line: str, files: YoloFiles) -> tuple[str, list[float]]:
    """Return class name and coordinates of a line; ValueError if it is not valid. The cause does not quote the line."""
    parts = line.split()
    try:
        number, *values = [float(part) for part in parts]
    except ValueError as error:
        raise ValueError(f"it has {len(parts)} words that are not all numbers; expected numbers") from error
    if not number.is_integer() or int(number) not in files.classes:
        known = ", ".join(f"{key} {name}" for key, name in list(files.classes.items())[:10])
        raise ValueError(f"it has the class {number:g}; expected a class in {files.source.name}: {known}")
    if len(values) == 5:
        raise ValueError(
            "it has 6 numbers, which are a class, a box and a confidence, as in predictions; expected a class and "
            "three or more points"
        )
    if len(values) < 4 or (len(values) % 2 and not files.keypoints):
        raise ValueError(f"it has {len(values) + 1} numbers; expected a class and three or more pairs of x and y")
    coordinates = values[:4] if files.keypoints else values
    for value in coordinates:
        if not math.isfinite(value) or not -_TOLERANCE <= value <= 1 + _TOLERANCE:
            raise ValueError(f"it has the coordinate {value:g}; expected 0 to 1, a share of the image's side")
    return files.classes[int(number)], coordinates


def _polygon(values: list[float], height: int, width: int) -> tuple[Rle, int]:
    sides = (width, height)
    return polygons_rle([[value * sides[n % 2] for n, value in enumerate(values)]], height, width)


def _box(values: list[float], height: int, width: int) -> tuple[Rle, int]:
    x, y, w, h = values
    if w <= 0 or h <= 0:
        raise ValueError(f"the box is {w:g} wide and {h:g} high; expected more than 0")
    left, right, top, bottom = (x - w / 2) * width, (x + w / 2) * width, (y - h / 2) * height, (y + h / 2) * height
    return box_rle(left, top, right, bottom, height, width)
