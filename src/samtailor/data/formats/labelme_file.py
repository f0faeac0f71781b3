"""One json file of LabelMe: its image and its shapes."""

from __future__ import annotations

import base64
import io
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.formats.drafts import Draft, LabelledMask
from samtailor.data.formats.files import picture_size
from samtailor.data.formats.shapes import box_rle, circle_rle, pair_list, points_rle, union
from samtailor.data.formats.sizes import pixel_size, stated_size_error
from samtailor.data.pixels.rle import Rle, mask_rle
from samtailor.errors import DataError

__all__ = ["LabelMeFile"]

_WITHOUT_AREA = ("point", "points", "line", "linestrip")
_WITHOUT_CLASS = ("_background_", "__ignore__")  # LabelMe's own labels for what is not an object


class LabelMeFile:
    """One json file, checked while it is read. Every error names the file.

    Attributes:
        without_area: number of points and lines, which ``draft`` leaves out.
    """

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path, self._content = path, content
        self.without_area = 0

    def draft(self, json_of: dict[Path, Path]) -> Draft:
        """Return the image with its masks.

        Args:
            json_of: image -> its json file, of the files read before. This image is added.
        """
        image = self._find_image()
        if image in json_of:
            raise self._error(
                f"its image {image} is also the image of {json_of[image]}; expected one json file per image",
                "Keep one of the two files.",
            )
        json_of[image] = self._path
        width, height = picture_size(image)
        stated = (self._content.get("imageWidth"), self._content.get("imageHeight"))
        if stated != (None, None) and stated != (width, height):
            raise stated_size_error(self._path, stated, image, (width, height))
        shapes = self._content["shapes"]
        if not isinstance(shapes, list):
            raise self._error(f"'shapes' is a {type(shapes).__name__}; expected a list")
        instances: dict[Any, list[tuple[LabelledMask, bool]]] = {}
        for number, shape in enumerate(shapes):
            if (mask := self._read_shape(number, shape, height, width)) is not None:
                group = shape.get("group_id")
                key = (mask.label, "single", number) if group is None else (mask.label, "group", str(group))
                instances.setdefault(key, []).append((mask, shape.get("shape_type") == "rectangle"))
        masks = tuple(
            LabelledMask(parts[0][0].label, *union([(mask.rle, mask.area) for mask, _ in parts]))
            for parts in instances.values()
        )
        boxes = sum(all(is_box for _, is_box in parts) for parts in instances.values())
        return Draft(image, width, height, masks, boxes)

    def _error(self, cause: str, hint: str = "Fix it in LabelMe.") -> DataError:
        return DataError(f"{self._path}: {cause}.", hint)

    def _find_image(self) -> Path:
        """Return the image at ``imagePath``, relative to the json's folder, or else of that name beside the json."""
        name = self._content.get("imagePath")
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            raise self._error(f"'imagePath' is {name!r}; expected the file name of the image")
        relative = PurePosixPath(name.replace("\\", "/"))  # files written on Windows have backslashes
        for candidate in (self._path.parent / relative, self._path.parent / relative.name):
            try:
                if candidate.is_file():
                    return candidate.resolve() if ".." in relative.parts else candidate
            except OSError:
                continue
        if self._content.get("imageData"):
            raise self._error(
                f"its image {name} is missing; only a copy is embedded in the json (imageData)",
                "Put the image file beside the json. `labelme_export_json` writes the embedded image as img.png.",
            )
        raise self._error(f"its image {name} is missing", f"Put the image into {self._path.parent}.")

    def _read_shape(self, number: int, shape: Any, height: int, width: int) -> LabelledMask | None:
        """Return the mask of a shape; None if it has no area or no class."""
        if not isinstance(shape, dict):
            raise self._error(f"shape number {number} is a JSON {type(shape).__name__}; expected an object")
        label = shape.get("label")
        if not isinstance(label, str) or not label.strip():
            raise self._error(f"shape number {number} has the label {label!r}; expected text")
        label, kind = label.strip(), shape.get("shape_type") or "polygon"  # LabelMe 2 wrote no type
        if label in _WITHOUT_CLASS:
            return None
        if kind in _WITHOUT_AREA:
            self.without_area += 1
            return None
        try:
            return LabelledMask(label, *_shape_rle(kind, shape, height, width))
        except ValueError as error:
            raise self._error(f"shape number {number} ({label}, {kind}) cannot be used: {error}") from error


def _shape_rle(kind: Any, shape: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    if kind == "polygon":
        return points_rle(pair_list(shape.get("points"), 3), height, width)
    if kind == "rectangle":
        points = pair_list(shape.get("points"), 2)
        if len(points) == 2:
            (x0, y0), (x1, y1) = points
            return box_rle(x0, y0, x1, y1, height, width)
        return points_rle(points, height, width)  # some editors write the four corners
    if kind == "circle":
        centre, on_edge = pair_list(shape.get("points"), 2)[:2]
        return circle_rle(centre, on_edge, height, width)
    if kind == "mask":
        return _embedded_rle(pair_list(shape.get("points"), 2), shape.get("mask"), height, width)
    raise ValueError("its shape type is unknown; expected polygon, rectangle, circle or mask")


def _embedded_rle(points: list[list[float]], text: Any, height: int, width: int) -> tuple[Rle, int]:
    """Return the mask of an embedded picture (base64), placed at the box between two pixels, both inclusive."""
    if not isinstance(text, str):
        raise ValueError(f"its mask is a {type(text).__name__}; expected a PNG as base64 text")
    if not np.isfinite(points).all():
        raise ValueError("its corners are not finite; expected two points in pixels")
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as picture:
            cut = np.asarray(picture.convert("L")) > 0
    except Exception as error:  # Pillow raises errors of many types on damaged bytes
        raise ValueError(f"its mask is not a PNG ({str(error) or type(error).__name__})") from error
    (left, top), (right, bottom) = np.asarray(points).astype(int).tolist()[:2]
    rows, columns = cut.shape
    if abs(right - left + 1 - columns) > 1 or abs(bottom - top + 1 - rows) > 1:
        raise ValueError(
            f"its mask has {pixel_size(columns, rows)}, but its box from ({left}, {top}) to ({right}, {bottom}) has "
            f"{right - left + 1} x {bottom - top + 1}"
        )
    mask = np.zeros((height, width), dtype=bool)
    y0, y1, x0, x1 = max(top, 0), min(top + rows, height), max(left, 0), min(left + columns, width)
    if y0 < y1 and x0 < x1:
        mask[y0:y1, x0:x1] = cut[y0 - top : y1 - top, x0 - left : x1 - left]
    return mask_rle(mask), int(mask.sum())
