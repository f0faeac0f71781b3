"""One json file of LabelMe: its image and its shapes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data.findings import times
from samtailor.data.formats.builders import DraftBuilder
from samtailor.data.formats.drafts import Draft
from samtailor.data.formats.files import picture_size
from samtailor.data.formats.find_images import ImageFinder, plain_path
from samtailor.data.formats.pictures import Pictures
from samtailor.data.formats.shapes import BOXES_HINT, box_rle, circle_rle, pair_list, points_rle
from samtailor.data.formats.sizes import pixel_size, stated_size_error, whole_size
from samtailor.data.pixels.limits import open_embedded
from samtailor.data.pixels.rle import Rle, mask_rle
from samtailor.data.reading import Reading
from samtailor.errors import DataError

__all__ = ["LabelMeFile", "picture_mask"]

_WITHOUT_AREA = ("point", "points", "line", "linestrip")
_WITHOUT_CLASS = ("_background_", "__ignore__")  # LabelMe's own labels for what is not an object
_PICTURES = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF", "GIF")
_BOXES = ("rectangle", "oriented_rectangle", "rotation")


class LabelMeFile:
    """One json file, checked while it is read.

    Attributes:
        without_area: number of points and lines, which ``draft`` leaves out.
        rotated: number of rotated boxes of X-AnyLabeling.
    """

    def __init__(self, path: Path, content: dict[str, Any], reading: Reading) -> None:
        self._path, self._content, self._reading = path, content, reading
        self.without_area = self.rotated = 0
        self.right_angles: list[bool | None] = []

    def draft(self, json_of: dict[Path, Path], finder: ImageFinder, pictures: Pictures) -> Draft:
        """Return the image with its masks. Broken shapes are recorded and left out.

        Args:
            json_of: image -> its json file, of the files read before. This image is added.
            finder: finds the image.
            pictures: writes an image that only the json holds.

        Raises:
            DataError: the file as a whole cannot be used. The message names it.
        """
        image = self._find_image(finder, pictures)
        if image in json_of:
            raise self._error(
                f"its image {image} is also the image of {json_of[image]}; expected one json file per image",
                "Keep one of the two files.",
            )
        width, height = picture_size(image)
        stated = whole_size((self._content.get("imageWidth"), self._content.get("imageHeight")))
        if stated != (None, None) and stated != (width, height):  # 12.0 equals 12
            raise stated_size_error(self._path, stated, image, (width, height))
        shapes = self._content["shapes"]
        if not isinstance(shapes, list):
            raise self._error(f"'shapes' is a {type(shapes).__name__}; expected a list")
        json_of[image] = self._path
        builder = DraftBuilder(self._reading, self._path, image, width, height)
        for number, shape in enumerate(shapes):
            self._read_shape(builder, number, shape)
        masks, self.right_angles = builder.masks, builder.right_angles
        return Draft(image, width, height, tuple(mask for mask, _ in masks), sum(box for _, box in masks))

    def _error(self, cause: str, hint: str = "Fix it in LabelMe.") -> DataError:
        return DataError(f"{self._path}: {cause}.", hint)

    def _find_image(self, finder: ImageFinder, pictures: Pictures) -> Path:
        """Return the image at ``imagePath``, the one of that name below the task, or the one inside the json."""
        name, embedded = self._content.get("imagePath"), self._content.get("imageData")
        if (not isinstance(name, str) or not name.strip()) and embedded:
            name = self._path.with_suffix("").name
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            raise self._error(f"'imagePath' is {str(name)[:80]!r}; expected the file name of the image")
        try:
            return finder.find(name, self._path.parent)
        except ValueError as error:
            if not embedded or "may be one of" in str(error):
                hint = f"Put the image into {self._path.parent}."
                raise self._error(str(error).replace(str(plain_path(name)), plain_path(name).name), hint) from error
        return self._embedded_image(plain_path(name).name, embedded, pictures)

    def _embedded_image(self, name: str, data: Any, pictures: Pictures) -> Path:
        hint = "Put the image file beside the json."
        try:
            if not isinstance(data, str):
                raise ValueError(f"it is a {type(data).__name__}")
            content = base64.b64decode(data.partition("base64,")[2] or data, validate=False)
            with open_embedded(content, _PICTURES) as picture:
                kind = (picture.format or "").lower()
        except Exception as error:  # Pillow raises errors of many types on damaged bytes
            cause = f"its image {name} is missing, and the copy inside the json (imageData) is not a picture"
            raise self._error(cause, hint) from error
        if "." not in name:
            name += f".{'jpg' if kind == 'jpeg' else kind}"
        path = pictures.path(self._path.parent.resolve().name, len(data), {"path": name, "bytes": content})
        self._reading.note(
            "embedded-image",
            "note",
            lambda count: (
                f"{times(count, 'image')} exist only inside json files; they were written to {pictures.folder}."
                if count > 1
                else f"One image exists only inside its json file; it was written to {pictures.folder}."
            ),
            "Put the image files beside the json files if you have them.",
            self._path,
        )
        return path

    def _read_shape(self, builder: DraftBuilder, number: int, shape: Any) -> None:
        """Add the mask of a shape, unless it has no area or no class."""
        entry = f"shape number {number}"
        if not isinstance(shape, dict):
            self._reading.count()
            self._reading.broken(self._path, entry, f"it is a JSON {type(shape).__name__}; expected an object")
            return
        label, kind = shape.get("label"), shape.get("shape_type") or "polygon"  # LabelMe 2 wrote no type
        if isinstance(label, str) and label.strip() in _WITHOUT_CLASS:
            return
        if kind in _WITHOUT_AREA:
            self._reading.count()
            self.without_area += 1
            return
        if kind == "rotation":
            self.rotated += 1
            if not self._reading.options.boxes_as_masks:
                self._reading.count()
                self._reading.note(
                    "boxes-left-out",
                    "warning",
                    lambda count: f"{times(count, 'rotated box', 'rotated boxes')} left out.",
                    BOXES_HINT,
                    builder.path,
                )
                return
        place = f"{entry} ({str(label)[:60]}, {str(kind)[:60]})"
        corners = shape.get("points") if kind == "polygon" else None
        builder.add(place, label, _maker(kind, shape), kind in _BOXES, shape.get("group_id"), corners=corners)


def _maker(kind: Any, shape: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: _shape_rle(kind, shape, height, width)


def _shape_rle(kind: Any, shape: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    if kind == "polygon":
        return points_rle(pair_list(shape.get("points"), 3), height, width)
    if kind in _BOXES:
        points = pair_list(shape.get("points"), 2 if kind == "rectangle" else 4)
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
    cut = picture_mask(text)
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


def picture_mask(text: str | bytes) -> np.ndarray:
    """Return the mask (H, W) bool of a PNG as base64 text, or of its bytes: True where it is not 0.

    Raises:
        ValueError: it is not a PNG.
    """
    try:
        content = base64.b64decode(text, validate=True) if isinstance(text, str) else text
        with open_embedded(content, ("PNG",)) as picture:
            return np.asarray(picture.convert("L")) > 0
    except Exception as error:  # Pillow raises errors of many types on damaged bytes
        raise ValueError(f"its mask is not a PNG ({str(error).partition(' <')[0] or type(error).__name__})") from error
