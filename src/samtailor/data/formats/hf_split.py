"""The rows of one split of a Hugging Face data set: an image column with label maps or with objects."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from samtailor.data.formats.drafts import Draft, LabelledMask
from samtailor.data.formats.files import picture_size
from samtailor.data.formats.hf_rows import class_names
from samtailor.data.formats.label_maps import UNNAMED_CLASS, read_classes, read_label_map
from samtailor.data.formats.pictures import Pictures
from samtailor.data.formats.shapes import BOXES_HINT, box_rle, four_numbers, points_rle, rle_from_dict
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.errors import DataError

__all__ = ["HfSplit"]

_IMAGES = ("image", "images", "pixel_values", "img")
_MASKS = ("mask", "masks", "label", "labels", "annotation", "annotations", "segmentation_mask", "segmentation")
_OBJECTS = ("objects", "annotations", "instances")
_FIELDS = {
    "shape": ("segmentation", "segmentations", "polygon", "polygons", "mask", "masks"),
    "box": ("bbox", "bboxes", "box", "boxes"),
    "label": ("category", "categories", "category_id", "label", "labels", "class", "class_id"),
}


class HfSplit:
    """The rows of one split. Every error names folder, split and row.

    Attributes:
        split: name of the split; "" if the data has no splits.
        rows: a ``datasets.Dataset`` whose pictures are not decoded.
        classes: value -> class name, from classes.json; None if there is no such file.
        has_label_maps: True if a column holds label maps, False if one holds objects.
    """

    def __init__(self, root: Path, split: str, rows: Any, boxes_as_masks: bool) -> None:
        self.split, self.rows = split, rows
        self.classes = read_classes(root / "classes.json")
        self._root, self._boxes_as_masks = root, boxes_as_masks
        self._image = self._column(_IMAGES, is_picture=True)
        self._mask = self._column(_MASKS, is_picture=True)
        self._objects = None if self._mask else self._column(_OBJECTS, is_picture=False)
        if self._image is None or (self._mask is None and self._objects is None):
            raise DataError(
                f"{root} (Hugging Face) has the columns {', '.join(rows.features)}; expected image, and mask or label "
                "or annotation (a picture), or objects.",
                "Rename the columns, or cast them to datasets.Image.",
            )
        self.has_label_maps = self._objects is None
        self._fields: dict[str, str] = {}
        self._names: list[str] | None = None
        if self._objects is not None:
            self._fields, self._names = self._object_fields()

    def class_list(self) -> list[str]:
        """Return the class names that the data lists, used or not."""
        if self.has_label_maps:
            return list(self.classes.values()) if self.classes else [UNNAMED_CLASS]
        return list(self._names or [])

    def draft(self, row: int, pictures: Pictures) -> Draft:
        """Return the image of a row with its masks."""
        content = self.rows[row]
        picture = content[self._image]
        if picture is None:
            raise self._error(row, "it has no image", "Add the image or remove the row.")
        path = pictures.path(self.split, row, picture)
        width, height = picture_size(path)
        if self.has_label_maps:
            return Draft(path, width, height, self._label_map(row, path, content[self._mask], width, height))
        masks, boxes = self._object_masks(row, content[self._objects], width, height)
        return Draft(path, width, height, tuple(masks), boxes)

    def _error(self, row: int, cause: str, hint: str) -> DataError:
        place = f"row {row} of {self.split}" if self.split else f"row {row}"
        return DataError(f"{self._root}, {place}: {cause}.", hint)

    def _column(self, names: tuple[str, ...], is_picture: bool) -> str | None:
        for name in names:
            feature = self.rows.features.get(name)
            if feature is not None and (type(feature).__name__ == "Image") == is_picture:
                return name
        return None

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

    def _label_map(self, row: int, image: Path, picture: Any, width: int, height: int) -> tuple[LabelledMask, ...]:
        if picture is None:
            raise self._error(row, "it has no mask", "Add a mask (all 0 without objects), or remove the row.")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(picture["path"] or "")
            if picture["bytes"] is not None:
                path = Path(folder) / "mask"
                path.write_bytes(picture["bytes"])
            try:
                masks = read_label_map(path, image, width, height, self.classes)
            except DataError as error:
                cause = error.what.replace(str(path), path.name).removesuffix(".")
                raise self._error(row, cause[:1].lower() + cause[1:], error.hint) from error
        return tuple(LabelledMask(*mask) for mask in masks.values())

    def _object_masks(self, row: int, objects: Any, width: int, height: int) -> tuple[list[LabelledMask], int]:
        """Return the masks of a row's objects, and how many of them are filled boxes."""
        masks: list[LabelledMask] = []
        boxes = 0
        for number, entry in enumerate(_as_list(objects)):
            shape = entry.get(self._fields["shape"]) if "shape" in self._fields else None
            try:
                label = self._label(entry[self._fields["label"]])
                if shape:
                    rle, area = _shape_rle(shape, height, width)
                    masks.append(LabelledMask(label, rle, area, bool(entry.get("iscrowd") or entry.get("is_crowd"))))
                    continue
                if not self._boxes_as_masks:
                    raise self._error(row, f"object {number} ({label}) has a box and no mask", BOXES_HINT)
                x, y, w, h = four_numbers(entry.get(self._fields.get("box", "")))
                masks.append(LabelledMask(label, *box_rle(x, y, x + w, y + h, height, width)))
                boxes += 1
            except ValueError as error:
                raise self._error(row, f"object {number} cannot be used: {error}", "Fix the object.") from error
        return masks, boxes

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
    if isinstance(shape, dict):
        return rle_from_dict(shape, height, width)
    polygons = shape if isinstance(shape[0], list) else [shape]
    if isinstance(polygons[0], list) and polygons[0] and isinstance(polygons[0][0], list):
        polygons = [[value for point in polygon for value in point] for polygon in polygons]
    elif all(len(polygon) == 2 for polygon in polygons):
        return points_rle(polygons, height, width)
    return polygons_rle(polygons, height, width)
