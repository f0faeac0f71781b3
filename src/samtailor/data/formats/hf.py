"""Reading a task from a Hugging Face ``datasets`` folder: an image column with label maps, or with objects."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from samtailor.data.formats.folders import UNNAMED_CLASS, read_classes, read_label_map
from samtailor.data.formats.hf_rows import Pictures, class_names, open_splits
from samtailor.data.formats.reading import Draft, Found, number_instances, rectangles_note, size_of, split_drafts
from samtailor.data.formats.shapes import BOXES_HINT, box_rle
from samtailor.data.pixels.rle import Rle, polygons_rle, rle_from_counts
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["read_hf"]

_IMAGES = ("image", "images", "pixel_values", "img")
_MASKS = ("mask", "masks", "label", "labels", "annotation", "annotations", "segmentation_mask", "segmentation")
_OBJECTS = ("objects", "annotations", "instances")
_SHAPES = ("segmentation", "segmentations", "polygon", "polygons", "mask", "masks")
_BOXES = ("bbox", "bboxes", "box", "boxes")
_LABELS = ("category", "categories", "category_id", "label", "labels", "class", "class_id")


def read_hf(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read what ``save_to_disk`` wrote, or a folder of parquet files, or an image folder with metadata.

    A label map is read as in image + mask folders: with ``classes.json`` in ``root`` each value is a class, else an
    instance. Objects are lists (or dicts of lists) with polygons or RLE, a category each, and maybe a box [x, y,
    width, height]. Pictures inside the rows are written to the user's cache, since images are files here.

    Args:
        root: the folder.
        seed: of the split where the data has none: 70 % train, 10 % val, 20 % test by the images' names.
        boxes_as_masks: fill boxes in where an object has no mask; an error otherwise.

    Raises:
        DataError: the data is broken; the message names folder, split and row.
        SamtailorError: ``datasets`` is not installed.
    """
    root = Path(root)
    readers = [_Rows(root, split, rows, boxes_as_masks) for split, rows in open_splits(root).items()]
    pictures = Pictures(root)
    drafts = {reader.split: [reader.draft(row, pictures) for row in range(len(reader.rows))] for reader in readers}
    layout = "Hugging Face data set"
    if "" in drafts:
        drafts = split_drafts(drafts[""], pictures.folder, seed)
        layout += f", split 70/10/20 by file name (seed {seed})"
    if any(reader.objects is None for reader in readers):
        layout += ", one class per value" if readers[0].classes else ", one instance per value"
    every = [draft for some in drafts.values() for draft in some]
    names = dict.fromkeys(name for reader in readers for name in reader.class_list())
    names |= dict.fromkeys(sorted({label for draft in every for label, *_ in draft.found} - names.keys()))
    splits = {split: number_instances(drafts[split]) for split in SPLITS if split in drafts}
    return Task(root.resolve().name, root, layout + rectangles_note(every), tuple(names), splits)


class _Rows:
    """The rows of one split; every error names folder, split and row."""

    def __init__(self, root: Path, split: str, rows: Any, boxes_as_masks: bool) -> None:
        self.root, self.split, self.rows, self.boxes_as_masks = root, split, rows, boxes_as_masks
        self.classes = read_classes(root / "classes.json")
        self.image = self._column(_IMAGES, True)
        self.mask = self._column(_MASKS, True)
        self.objects = None if self.mask else self._column(_OBJECTS, False)
        if self.image is None or (self.mask is None and self.objects is None):
            raise DataError(
                f"{root} (Hugging Face) has the columns {', '.join(rows.features)}; expected image, and mask or label "
                "or annotation (a picture), or objects.",
                "Rename the columns, or cast them to datasets.Image.",
            )
        self.keys: dict[str, str] = {}
        self.names: list[str] | None = None
        if self.objects is not None:
            self.keys, self.names = self._object_columns()

    def class_list(self) -> list[str]:
        """Names that the data lists, used or not."""
        if self.objects is None:
            return list(self.classes.values()) if self.classes else [UNNAMED_CLASS]
        return list(self.names or [])

    def draft(self, row: int, pictures: Pictures) -> Draft:
        """The image of a row with its instances."""
        content = self.rows[row]
        picture = content[self.image]
        if picture is None:
            raise self._error(row, "there is no image", "Leave the row out.")
        path = pictures.path(self.split, row, picture)
        width, height = size_of(path)
        if self.objects is not None:
            found, boxes = self._objects(row, content[self.objects], width, height)
            return Draft(path, width, height, tuple(found), boxes)
        return Draft(path, width, height, self._label_map(row, path, content[self.mask], width, height))

    def _error(self, row: int, cause: str, hint: str) -> DataError:
        split = f"row {row} of {self.split}" if self.split else f"row {row}"
        return DataError(f"{self.root}, {split}: {cause}.", hint)

    def _column(self, names: tuple[str, ...], is_picture: bool) -> str | None:
        for name in names:
            feature = self.rows.features.get(name)
            if feature is not None and (type(feature).__name__ == "Image") == is_picture:
                return name
        return None

    def _object_columns(self) -> tuple[dict[str, str], list[str] | None]:
        """Names of the fields of an object, and its class names."""
        feature = self.rows.features[self.objects]
        while not isinstance(feature, dict):
            feature = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
            if feature is None:
                raise DataError(
                    f"{self.root} (Hugging Face): {self.objects} holds no objects.", "See docs/guides/data.md."
                )
        wanted = {"shape": _SHAPES, "box": _BOXES, "label": _LABELS}
        keys = {kind: name for kind, names in wanted.items() for name in names[::-1] if name in feature}
        if "label" not in keys or not keys.keys() & {"shape", "box"}:
            raise DataError(
                f"{self.root} (Hugging Face): {self.objects} has the fields {', '.join(feature)}; expected a category "
                "and a segmentation (or bbox).",
                "Rename the fields.",
            )
        return keys, class_names(feature[keys["label"]])

    def _label_map(self, row: int, image: Path, picture: Any, width: int, height: int) -> tuple[Found, ...]:
        if picture is None:
            raise self._error(row, "the image has no mask", "Give it one that is all 0, or leave the row out.")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(picture["path"] or "")
            if picture["bytes"] is not None:
                path = Path(folder) / "mask"
                path.write_bytes(picture["bytes"])
            try:
                return tuple(read_label_map(path, image, width, height, self.classes).values())
            except DataError as error:
                cause = error.what.replace(str(path), path.name).removesuffix(".")
                raise self._error(row, cause[:1].lower() + cause[1:], error.hint) from error

    def _objects(self, row: int, objects: Any, width: int, height: int) -> tuple[list[Found], int]:
        found: list[Found] = []
        boxes = 0
        for place, entry in enumerate(_as_list(objects)):
            shape = entry.get(self.keys["shape"]) if "shape" in self.keys else None
            try:
                label = self._label(entry[self.keys["label"]])
                if shape:
                    rle, area = _mask(shape, height, width)
                    found.append((label, rle, area, bool(entry.get("iscrowd") or entry.get("is_crowd"))))
                    continue
                if not self.boxes_as_masks:
                    raise self._error(row, f"object {place} ({label}) has a box and no mask", BOXES_HINT)
                found.append((label, *_box(entry.get(self.keys.get("box", "")), height, width)))
                boxes += 1
            except ValueError as error:
                raise self._error(row, f"object {place} cannot be used: {error}", "Mend the data.") from error
        return found, boxes

    def _label(self, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if type(value) is int:
            if self.names is not None and 0 <= value < len(self.names):
                return self.names[value]
            if self.classes is not None and value in self.classes:
                return self.classes[value]
        raise ValueError(f"its category {value!r} has no name (a ClassLabel feature, or classes.json, names numbers)")


def _as_list(objects: Any) -> list[dict[str, Any]]:
    """Objects as a list of dicts; ``datasets`` also gives a dict of lists."""
    if objects is None:
        return []
    if isinstance(objects, dict):
        count = max((len(values) for values in objects.values() if isinstance(values, list)), default=0)
        return [
            {key: values[n] if values is not None and n < len(values) else None for key, values in objects.items()}
            for n in range(count)
        ]
    return list(objects)


def _mask(shape: Any, height: int, width: int) -> tuple[Rle, int]:
    """A polygon [x0, y0, ...], several of them, or RLE."""
    if isinstance(shape, dict):
        if shape.get("size") != [height, width]:
            raise ValueError(f"its RLE has size {shape.get('size')}; its image has [{height}, {width}]")
        return rle_from_counts(shape["counts"], height, width)
    polygons = shape if isinstance(shape[0], list) else [shape]
    if isinstance(polygons[0], list) and polygons[0] and isinstance(polygons[0][0], list):
        polygons = [[value for point in polygon for value in point] for polygon in polygons]  # [[x, y], ...]
    elif all(len(polygon) == 2 for polygon in polygons):
        polygons = [[value for point in polygons for value in point]]
    return polygons_rle(polygons, height, width)


def _box(box: Any, height: int, width: int) -> tuple[Rle, int]:
    if not isinstance(box, list) or len(box) != 4 or any(type(value) not in (int, float) for value in box):
        raise ValueError(f"it has no mask, and the box {box!r}; expected [x, y, width, height]")
    return box_rle(box[0], box[1], box[0] + box[2], box[1] + box[3], height, width)
