"""Read a YOLO segmentation data set: a text file per image, a polygon per line."""

from __future__ import annotations

import math
from pathlib import Path

from samtailor.data.formats.drafts import Draft, LabelledMask, split_drafts, task_from_drafts
from samtailor.data.formats.files import IMAGE_SUFFIXES, picture_size, read_lines
from samtailor.data.formats.shapes import BOXES_HINT, box_rle
from samtailor.data.formats.yolo_files import YoloFiles, find_yolo, label_file
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.data.splits import split_note
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["read_yolo"]

_TOLERANCE = 0.05  # a coordinate may be this far outside the image, as a share of its side; it is clipped


def read_yolo(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read a YOLO data set: ``class x1 y1 x2 y2 x3 y3 ...`` per instance, in shares of the image's width and height.

    An image without a label file has no instances, as usual with YOLO.

    Args:
        root: the folder with data.yaml, or that file. Without a yaml: a folder with ``classes.txt``, ``images/`` and
            ``labels/``.
        seed: seed of the split by file name, if the files make none.
        boxes_as_masks: fill lines of five numbers, which are boxes. Otherwise they are an error.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file and the line.
    """
    root = Path(root)
    files = find_yolo(root)
    folder = root if root.is_dir() else root.parent
    drafts = {split: _drafts(files, split, images, boxes_as_masks) for split, images in files.images.items()}
    layout = "YOLO"
    if "" in drafts:
        drafts = split_drafts(drafts[""], folder, seed)
        layout += f", {split_note('file name', seed)}"
    return task_from_drafts(folder, layout, files.classes.values(), drafts)


def _drafts(files: YoloFiles, split: str, images: list[Path], boxes_as_masks: bool) -> list[Draft]:
    labels = {image: label_file(image) for image in images}
    _check_pairs(labels, split)
    return [_draft(image, label, files, boxes_as_masks) for image, label in labels.items()]


def _check_pairs(labels: dict[Path, Path], split: str) -> None:
    """Raise DataError if no image has a label file, or a label file has no image.

    Args:
        labels: image -> its label file, which may not exist.
        split: split of the images; "" if they are not split.
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
                raise DataError(
                    f"{path} has no image; expected one with the same stem in {image_folder}.",
                    "Add the image or remove the label file.",
                )


def _draft(image: Path, label: Path, files: YoloFiles, boxes_as_masks: bool) -> Draft:
    width, height = picture_size(image)
    masks: list[LabelledMask] = []
    boxes = 0
    for number, line in read_lines(label) if label.is_file() else []:
        try:
            name, values = _parse(line, files)
            is_box = len(values) == 4 or files.keypoints
            if is_box and not boxes_as_masks:
                content = "key points and a box" if files.keypoints else "5 numbers, which are a class and a box"
                raise DataError(
                    f"{label}, line {number}: it has {content}; expected a class and three or more points (7 numbers).",
                    BOXES_HINT,
                )
            boxes += is_box
            masks.append(LabelledMask(name, *(_box if is_box else _polygon)(values, height, width)))
        except ValueError as error:
            raise DataError(
                f"{label}, line {number}: {error}.",
                "Write lines like: class x1 y1 x2 y2 x3 y3 ..., with coordinates from 0 to 1.",
            ) from error
    return Draft(image, width, height, tuple(masks), boxes)


def _parse(line: str, files: YoloFiles) -> tuple[str, list[float]]:
    """Return class name and coordinates of a line; ValueError if it is not valid."""
    try:
        number, *values = [float(part) for part in line.split()]
    except ValueError as error:
        raise ValueError(f"it holds {line[:60]!r}; expected numbers") from error
    if not number.is_integer() or int(number) not in files.classes:
        known = ", ".join(f"{key} {name}" for key, name in list(files.classes.items())[:10])
        raise ValueError(f"it has the class {line.split()[0]}; expected a class in {files.source.name}: {known}")
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
