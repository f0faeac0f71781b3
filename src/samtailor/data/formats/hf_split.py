"""The rows of one split of a Hugging Face data set: an image column with label maps or with objects."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data.formats.builders import DraftBuilder
from samtailor.data.formats.files import picture_size
from samtailor.data.formats.find_images import note_outside
from samtailor.data.formats.hf_classes import read_hf_classes
from samtailor.data.formats.hf_rows import class_names, is_picture_list
from samtailor.data.formats.label_maps import UNNAMED_CLASS, VOID, read_label_map, read_labels_of
from samtailor.data.formats.pictures import Pictures
from samtailor.data.formats.shapes import box_rle, four_numbers, points_rle, rle_from_dict
from samtailor.data.pixels.masks import read_labels
from samtailor.data.pixels.rle import Rle, label_rles, mask_rle, polygons_rle
from samtailor.data.reading import Reading
from samtailor.errors import DataError

__all__ = ["HfSplit"]

_IMAGES = ("image", "images", "pixel_values", "img", "picture", "photo", "input_image", "rgb")
_MASKS = (
    *("mask", "masks", "label", "labels", "annotation", "annotations", "segmentation_mask", "segmentation"),
    *("segmentation_map", "segmentation_maps", "semantic_segmentation", "segmentation_label", "label_map", "labelmap"),
    *("mask_image", "image_mask", "seg_map", "seg_mask", "semseg", "seg", "ground_truth", "gt", "target"),
)
_OBJECTS = ("objects", "annotations", "instances")
_PART_LABELS = ("labels", "label", "categories", "category", "classes", "class_labels", "category_ids", "names")
_FIELDS = {
    "shape": ("segmentation", "segmentations", "polygon", "polygons", "mask", "masks"),
    "box": ("bbox", "bboxes", "box", "boxes"),
    "label": ("category", "categories", "category_id", "label", "labels", "class", "class_id"),
}


class HfSplit:
    """The rows of one split. A row or an object that is broken is recorded and left out.

    Attributes:
        split: name of the split; "" if the data has no splits.
        rows: a ``datasets.Dataset`` whose pictures are not decoded.
        classes: value -> class name, from classes.json or id2label.json; None if there is no such file.
        has_label_maps: True if a column holds label maps, False if one holds objects.
    """

    def __init__(self, root: Path, split: str, rows: Any, reading: Reading) -> None:
        self.split, self.rows = split, rows
        self.classes = read_hf_classes(root)
        self._root, self._reading = root, reading
        self._image = self._column(_IMAGES, is_picture=True)
        self._mask = self._column(_MASKS, is_picture=True)
        self._parts = None if self._mask else self._list_of_pictures()
        self._objects = None if self._mask or self._parts else self._column(_OBJECTS, is_picture=False)
        if self._image is None or not (self._mask or self._parts or self._objects):
            raise DataError(
                f"{root} (Hugging Face) has the columns {', '.join(rows.features)}; expected image, and mask or label "
                "or annotation (a picture), or objects.",
                'Rename the columns, such as rows.rename_column("OLD", "mask"), or cast them to datasets.Image.',
            )
        self.has_label_maps = self._mask is not None
        self._fields: dict[str, str] = {}
        self._names: list[str] | None = None
        self._part_labels = self._column(_PART_LABELS, is_picture=False) if self._parts else None
        if self._part_labels:
            self._names = class_names(self.rows.features[self._part_labels])
        if self._objects is not None:
            self._fields, self._names = self._object_fields()

    def class_list(self) -> list[str]:
        """Return the class names that the data lists, used or not."""
        if self.has_label_maps:
            return list(self.classes.values()) if self.classes else [UNNAMED_CLASS]
        return list(self._names or [])

    def image(self, row: int, pictures: Pictures) -> DraftBuilder | None:
        """Return the image of a row with its masks; None if the row is broken."""
        try:
            return self._image_of(row, pictures)
        except DataError as error:
            self._reading.count()
            what = error.what.removesuffix(".").removeprefix(f"{self._root}, {self._place(row)}: ")
            self._reading.broken(self._root, self._place(row), what, error.hint)
            return None

    def _image_of(self, row: int, pictures: Pictures) -> DraftBuilder:
        content = self.rows[row]
        picture = content[self._image]
        if picture is None:
            raise self._error(row, "it has no image", "Add the image or remove the row.")
        path = pictures.path(self.split, row, picture)
        if picture.get("bytes") is None:
            note_outside(self._reading, self._root, path)
        builder = DraftBuilder(self._reading, self._root, path, *picture_size(path), self.split)
        if self.has_label_maps:
            masks = self._label_map(row, path, content[self._mask], builder.width, builder.height)
            for value, (label, rle, area) in masks.items():
                builder.add(f"{self._place(row)}, value {value}", label, _already((rle, area)))
        elif self._parts:
            self._add_parts(row, builder, content[self._parts] or [], content)
        else:
            self._add_objects(row, builder, content[self._objects])
        return builder

    def _place(self, row: int) -> str:
        return f"row {row} of {self.split}" if self.split else f"row {row}"

    def _error(self, row: int, cause: str, hint: str) -> DataError:
        return DataError(f"{self._root}, {self._place(row)}: {cause}.", hint)

    def _column(self, names: tuple[str, ...], is_picture: bool) -> str | None:
        columns: dict[str, str] = {
            name.lower().replace("-", "_").replace(" ", "_"): name for name in self.rows.features
        }
        for name in (columns[key] for key in names if key in columns):
            if (type(self.rows.features[name]).__name__ == "Image") == is_picture:
                return name
        return None

    def _list_of_pictures(self) -> str | None:
        """Return the column that holds a list of masks, one picture for each object."""
        features = self.rows.features
        return next((name for name in features if name.lower() in _MASKS and is_picture_list(features[name])), None)

    def _add_parts(self, row: int, builder: DraftBuilder, pictures: list[Any], content: dict[str, Any]) -> None:
        """Add the masks of a row, one picture for each object, with the labels of another column."""
        labels = content[self._part_labels] if self._part_labels else [UNNAMED_CLASS] * len(pictures)
        if not isinstance(labels, list) or len(labels) != len(pictures):
            count = len(labels) if isinstance(labels, list) else 1
            cause = f"it has {len(pictures)} masks in {self._parts}, and {count} classes in {self._part_labels}"
            raise self._error(row, cause, "Give each mask one class.")
        for number, (picture, value) in enumerate(zip(pictures, labels, strict=True)):
            place = f"{self._place(row)}, mask {number}"
            try:
                label = self._label(value)
            except ValueError as error:
                self._reading.count()
                self._reading.broken(self._root, place, str(error), "Fix the class.")
                continue
            builder.add(place, label, _from_picture(picture))

    def _object_fields(self) -> tuple[dict[str, str], list[str] | None]:
        """Return the names of an object's fields ("shape", "box", "label"), and the class names."""
        feature = self.rows.features[self._objects]
        while not isinstance(feature, dict):
            feature = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
            if feature is None:
                raise DataError(
                    f"{self._root} (Hugging Face) has a column {self._objects} without objects; expected a list of "
                    "objects.",
                    "The guide to data formats (docs/guides/data.md) shows the columns.",
                )
        fields = {kind: name for kind, names in _FIELDS.items() for name in names[::-1] if name in feature}
        if "label" not in fields or not fields.keys() & {"shape", "box"}:
            raise DataError(
                f"{self._root} (Hugging Face): {self._objects} has the fields {', '.join(feature)}; expected a "
                "category and a segmentation (or bbox).",
                "Rename the fields.",
            )
        return fields, class_names(feature[fields["label"]])

    def _label_map(
        self, row: int, image: Path, picture: Any, width: int, height: int
    ) -> dict[int, tuple[str, Rle, int]]:
        if picture is None:
            raise self._error(row, "it has no mask", "Add a mask (all 0 without objects), or remove the row.")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(picture["path"] or "")
            if picture["bytes"] is not None:
                path = Path(folder) / "mask"
                path.write_bytes(picture["bytes"])
            else:
                note_outside(self._reading, self._root, path)
            try:
                if self.classes is not None and 0 in self.classes:
                    return _with_class_zero(path, image, width, height, self.classes)
                return read_label_map(path, image, width, height, self.classes)
            except DataError as error:
                cause = error.what.replace(str(path), path.name).removesuffix(".")
                raise self._error(row, cause[:1].lower() + cause[1:], error.hint) from error

    def _add_objects(self, row: int, builder: DraftBuilder, objects: Any) -> None:
        for number, entry in enumerate(_as_list(objects)):
            place = f"{self._place(row)}, object {number}"
            shape = entry.get(self._fields["shape"]) if "shape" in self._fields else None
            try:
                label = self._label(entry[self._fields["label"]])
            except ValueError as error:
                self._reading.count()
                self._reading.broken(self._root, place, str(error), "Fix the object.")
                continue
            if shape:
                crowd = bool(entry.get("iscrowd") or entry.get("is_crowd"))
                builder.add(place, label, _from_shape(shape), crowd=crowd)
            else:
                builder.add(place, label, _from_box(entry.get(self._fields.get("box", ""))), box=True)

    def _label(self, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if type(value) is int:
            if self._names is not None and 0 <= value < len(self._names):
                return self._names[value]
            if self.classes is not None and value in self.classes:
                return self.classes[value]
        raise ValueError(
            f"its category {value!r} has no name; expected text, or a number with a name (a ClassLabel "
            "feature or classes.json)"
        )


def _with_class_zero(
    mask: Path, image: Path, width: int, height: int, classes: dict[int, str]
) -> dict[int, tuple[str, Rle, int]]:
    """Read a label map in which 0 is a class; 255 is void, unless it is named."""
    labels = read_labels_of(mask, image, width, height).astype(np.int64) + 1
    if VOID not in classes:
        labels[labels == VOID + 1] = 0
    masks = {value - 1: mask for value, mask in label_rles(labels).items()}
    unnamed = sorted(masks.keys() - classes.keys())
    if unnamed:
        raise DataError(
            f"Mask {mask} has the value {unnamed[0]}, which has no name; expected one of "
            f"{', '.join(f'{value} {name}' for value, name in classes.items())}.",
            "Name the value in id2label.json, or write a classes.json, in which 0 is always background.",
        )
    return {value: (classes[value], *mask) for value, mask in masks.items()}


def _already(rle: tuple[Rle, int]) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: rle


def _from_shape(shape: Any) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: _shape_rle(shape, height, width)


def _from_picture(picture: Any) -> Callable[[int, int], tuple[Rle, int]]:
    """Return the mask of one object in a picture: the pixels that are not 0."""

    def make(height: int, width: int) -> tuple[Rle, int]:
        if not isinstance(picture, dict):
            raise ValueError("it has no picture")
        try:
            if picture.get("bytes") is None:
                labels = read_labels(picture.get("path") or "")
            else:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "mask"
                    path.write_bytes(picture["bytes"])
                    labels = read_labels(path)
        except DataError as error:
            raise ValueError(error.what.removesuffix(".")) from error
        if labels.shape != (height, width):
            raise ValueError(f"its mask has {labels.shape[1]} x {labels.shape[0]} pixels; expected {width} x {height}")
        mask = labels > 0
        return mask_rle(mask), int(mask.sum())

    return make


def _from_box(box: Any) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        x, y, w, h = four_numbers(box)
        return box_rle(x, y, x + w, y + h, height, width)

    return make


def _as_list(objects: Any) -> list[dict[str, Any]]:
    """Return objects as a list of dicts; ``datasets`` may return a dict of lists."""
    if objects is None:
        return []
    if isinstance(objects, dict):
        count = max((len(values) for values in objects.values() if isinstance(values, list)), default=0)
        return [
            {key: values[n] if values is not None and n < len(values) else None for key, values in objects.items()}
            for n in range(count)
        ]
    return list(objects)


def _shape_rle(shape: Any, height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a polygon [x0, y0, ...] or [[x, y], ...], of several, or of an RLE."""
    if isinstance(shape, dict) and "bytes" in shape:
        return _from_picture(shape)(height, width)
    if isinstance(shape, dict):
        return rle_from_dict(shape, height, width)
    polygons = shape if isinstance(shape[0], list) else [shape]
    if isinstance(polygons[0], list) and polygons[0] and isinstance(polygons[0][0], list):
        polygons = [[value for point in polygon for value in point] for polygon in polygons]
    elif all(len(polygon) == 2 for polygon in polygons):
        return points_rle(polygons, height, width)
    return polygons_rle(polygons, height, width)
