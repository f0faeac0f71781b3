"""Reading a task that LabelMe wrote: one json per image, with shapes drawn on it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.formats.reading import (
    Draft,
    number_instances,
    read_bytes,
    read_json,
    rectangles_note,
    size_of,
    split_drafts,
)
from samtailor.data.formats.shapes import BOXES_HINT, box_rle, circle_rle, pair_list, union
from samtailor.data.pixels.rle import Rle, mask_rle, polygons_rle
from samtailor.data.splits import refuse_misnamed_splits
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["is_labelme", "read_labelme"]

_WITHOUT_AREA = ("point", "points", "line", "linestrip")
_WITHOUT_CLASS = ("_background_", "__ignore__")  # LabelMe's own names for what is no object
_SNIFFED = 20  # files; a folder without LabelMe json must not be read whole to learn that


def is_labelme(root: Path) -> bool:
    """Whether one of the first json files below ``root`` has LabelMe's shapes."""
    for _, path in zip(range(_SNIFFED), _json_files(root), strict=False):
        try:
            if _is_ours(read_json(path)):
                return True
        except DataError:
            continue
    return False


def read_labelme(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read LabelMe's json files and the headers of their images.

    ``polygon``, ``rectangle``, ``circle`` and ``mask`` shapes become masks; shapes with the same label and
    ``group_id`` become one instance. Points and lines have no area and are left out; the task's format counts them.

    Args:
        root: a folder with json files beside their images, in ``train/``, ``val/``, ``test/`` or split here.
        seed: of that split, made by the files' names: 70 % train, 10 % val, 20 % test.
        boxes_as_masks: accept a task of rectangles only.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it.
    """
    root = Path(root)
    folders = {split: root / split for split in SPLITS if next(_json_files(root / split), None)}
    layout = "LabelMe json"
    lines = 0
    drafts: dict[str, list[Draft]] = {}
    if folders:
        refuse_misnamed_splits(root, "")
    seen: dict[Path, Path] = {}
    for split, folder in (folders or {"": root}).items():
        drafts[split] = []
        for path in sorted(_json_files(folder)):
            if _is_list(path):
                continue
            content = read_json(path)
            if _is_ours(content):
                reader = _LabelMeFile(path, content)
                drafts[split].append(reader.draft(seen))
                lines += reader.without_area
    if not folders:
        drafts = split_drafts(drafts[""], root, seed)
        layout += f", split 70/10/20 by file name (seed {seed})"
    every = [draft for some in drafts.values() for draft in some]
    if every and not boxes_as_masks and sum(d.boxes for d in every) == sum(len(d.found) for d in every) > 0:
        raise DataError(f"All shapes in {root} (LabelMe json) are rectangles.", BOXES_HINT)
    layout += rectangles_note(every) + (f", {lines} points and lines left out" if lines else "")
    classes = tuple(sorted({label for draft in every for label, *_ in draft.found}))
    splits = {split: number_instances(some) for split, some in drafts.items()}
    return Task(root.resolve().name, root, layout, classes, splits)


def _json_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.json"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _is_list(path: Path) -> bool:
    """Whether a json file holds a list, such as names of classes: no annotations of LabelMe's."""
    return read_bytes(path)[:64].lstrip()[:1] == b"["


def _is_ours(content: dict[str, Any]) -> bool:
    return "shapes" in content and ("imagePath" in content or "imageData" in content)


class _LabelMeFile:
    """One json file, checked as it is read; every error names it."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path, self.content = path, content
        self.without_area = 0

    def draft(self, seen: dict[Path, Path]) -> Draft:
        """The image with its instances; ``seen`` maps images to the json files that had them."""
        image = self._image()
        if image in seen:
            raise self._error(f"its image {image} is that of {seen[image]} too", "Keep one of the two files.")
        seen[image] = self.path
        width, height = size_of(image)
        said = (self.content.get("imageWidth"), self.content.get("imageHeight"))
        if said != (None, None) and said != (width, height):
            raise self._error(
                f"it says that the image has {said[0]} x {said[1]} pixels (width x height), but {image} has "
                f"{width} x {height}",
                "Use the image that the shapes were drawn on.",
            )
        shapes = self.content["shapes"]
        if not isinstance(shapes, list):
            raise self._error(f"'shapes' is a {type(shapes).__name__}; expected a list")
        joined: dict[Any, list[tuple[str, Rle, int, bool]]] = {}
        for place, shape in enumerate(shapes):
            if (read := self._shape(place, shape, height, width)) is not None:
                group = shape.get("group_id")
                key = (read[0], "alone", place) if group is None else (read[0], "group", str(group))
                joined.setdefault(key, []).append(read)
        found = tuple((parts[0][0], *union([part[1:3] for part in parts])) for parts in joined.values())
        boxes = sum(all(part[3] for part in parts) for parts in joined.values())
        return Draft(image, width, height, found, boxes)

    def _error(self, cause: str, hint: str = "Mend it in LabelMe.") -> DataError:
        return DataError(f"{self.path}: {cause}.", hint)

    def _image(self) -> Path:
        """The image as ``imagePath`` says, from the json's folder on; else one of that name beside the json."""
        name = self.content.get("imagePath")
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            raise self._error(f"'imagePath' is {name!r}; expected the file name of the image")
        said = PurePosixPath(name.replace("\\", "/"))  # written on Windows, it has backslashes
        for candidate in (self.path.parent / said, self.path.parent / said.name):
            try:
                if candidate.is_file():
                    return candidate.resolve() if ".." in said.parts else candidate
            except OSError:
                continue
        if self.content.get("imageData"):
            raise self._error(
                f"its image {name} is not there; a copy of it is embedded in the json (imageData)",
                "Put the image file beside the json; `labelme_export_json` writes the embedded one out as img.png.",
            )
        raise self._error(f"its image {name} is missing", f"Put it into {self.path.parent}.")

    def _shape(self, place: int, shape: Any, height: int, width: int) -> tuple[str, Rle, int, bool] | None:
        """Label, mask, area and whether it is a rectangle; None for what has no area or no class."""
        if not isinstance(shape, dict):
            raise self._error(f"shape number {place} is a JSON {type(shape).__name__}; expected an object")
        label = shape.get("label")
        if not isinstance(label, str) or not label.strip():
            raise self._error(f"shape number {place} has the label {label!r}; expected text")
        label, kind = label.strip(), shape.get("shape_type") or "polygon"  # LabelMe 2 wrote no type
        if label in _WITHOUT_CLASS:
            return None
        if kind in _WITHOUT_AREA:
            self.without_area += 1
            return None
        try:
            return (label, *_mask_of(kind, shape, height, width), kind == "rectangle")
        except ValueError as error:
            raise self._error(f"shape number {place} ({label}, {kind}) cannot be used: {error}") from error


def _mask_of(kind: Any, shape: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    if kind == "polygon":
        return _polygon(pair_list(shape.get("points"), 3), height, width)
    if kind == "rectangle":
        points = pair_list(shape.get("points"), 2)
        if len(points) == 2:
            (x0, y0), (x1, y1) = points
            return box_rle(x0, y0, x1, y1, height, width)
        return _polygon(points, height, width)  # some editors write the four corners
    if kind == "circle":
        centre, on_edge = pair_list(shape.get("points"), 2)[:2]
        return circle_rle(centre, on_edge, height, width)
    if kind == "mask":
        return _embedded(pair_list(shape.get("points"), 2), shape.get("mask"), height, width)
    raise ValueError("this shape type is not known; expected polygon, rectangle, circle or mask")


def _polygon(points: list[list[float]], height: int, width: int) -> tuple[Rle, int]:
    return polygons_rle([[value for point in points for value in point]], height, width)


def _embedded(points: list[list[float]], text: Any, height: int, width: int) -> tuple[Rle, int]:
    """A mask picture as base64, cut out at the box between two pixels, both of which belong to it."""
    if not isinstance(text, str):
        raise ValueError(f"its mask is a {type(text).__name__}; expected a PNG as base64 text")
    if not np.isfinite(points).all():
        raise ValueError("its corners are no finite numbers")
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as picture:
            cut = np.asarray(picture.convert("L")) > 0
    except Exception as error:  # Pillow raises anything on damaged bytes
        raise ValueError(f"its mask is no PNG ({str(error) or type(error).__name__})") from error
    (left, top), (right, bottom) = np.asarray(points).astype(int).tolist()[:2]
    rows, columns = cut.shape
    if abs(right - left + 1 - columns) > 1 or abs(bottom - top + 1 - rows) > 1:
        raise ValueError(
            f"its mask has {columns} x {rows} pixels (width x height), but its box from ({left}, {top}) to "
            f"({right}, {bottom}) has {right - left + 1} x {bottom - top + 1}"
        )
    mask = np.zeros((height, width), dtype=bool)
    y0, y1, x0, x1 = max(top, 0), min(top + rows, height), max(left, 0), min(left + columns, width)
    if y0 < y1 and x0 < x1:
        mask[y0:y1, x0:x1] = cut[y0 - top : y1 - top, x0 - left : x1 - left]
    return mask_rle(mask), int(mask.sum())
