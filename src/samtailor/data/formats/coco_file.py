"""One COCO json file: masks as compressed RLE, uncompressed RLE or polygons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from samtailor.data.formats.files import FIX_HINT, read_json
from samtailor.data.formats.shapes import BOXES_HINT, box_rle, four_numbers, rle_from_dict
from samtailor.data.formats.sizes import stated_size_error
from samtailor.data.pixels.images import image_size
from samtailor.data.pixels.pillow import is_file
from samtailor.data.pixels.rle import Rle, polygons_rle
from samtailor.data.task import RECTANGLES, ImageRecord, Instance
from samtailor.errors import DataError, ImageError

__all__ = ["CocoFile"]

_LISTS = ("images", "annotations", "categories")


class CocoFile:
    """One json file, checked while it is read. Every error names the file.

    Attributes:
        categories: category id -> class name.
    """

    def __init__(self, path: Path, root: Path, split: str, boxes_as_masks: bool) -> None:
        """Read the file.

        Args:
            path: the json file.
            root: folder of the task; images are searched below it.
            split: split of the images; "" if they are not split.
            boxes_as_masks: fill the box if an annotation has no mask.
        """
        self._path, self._root, self._split, self._boxes_as_masks = path, root, split, boxes_as_masks
        self._filled_boxes = 0
        content = self._load()
        self._says_rectangles = RECTANGLES in str(content.get("info"))
        self._images = self._by_id(content["images"], "image", ("file_name", "width", "height"))
        required = ("image_id", "category_id") if boxes_as_masks else ("image_id", "category_id", "segmentation")
        self._annotations = self._by_id(content["annotations"], "annotation", required)
        categories = self._by_id(content["categories"], "category", ("name",))
        self.categories = {key: self._class_name(key, category["name"]) for key, category in categories.items()}

    @property
    def has_filled_boxes(self) -> bool:
        """True if masks are filled boxes: filled by ``records()``, or earlier by the conversion that wrote the file."""
        return self._filled_boxes > 0 or self._says_rectangles

    def records(self) -> tuple[ImageRecord, ...]:
        """Return the images with their instances, both in the order of the file."""
        paths = self._find_images()
        instances: dict[int, list[Instance]] = {key: [] for key in self._images}
        for key, annotation in self._annotations.items():
            image = annotation["image_id"]
            if not _is_id(image) or image not in self._images:
                raise self._error(f"annotation {key} has the image_id {image!r}, but the file lists no such image")
            instances[image].append(self._instance(key, annotation, self._images[image]))
        return tuple(
            ImageRecord(paths[key], image["width"], image["height"], tuple(instances[key]))
            for key, image in self._images.items()
        )

    def _error(self, cause: str, hint: str = FIX_HINT) -> DataError:
        return DataError(f"{self._path}: {cause}.", hint)

    def _load(self) -> dict[str, Any]:
        content = read_json(self._path, f"an object with {', '.join(_LISTS)}")
        for key in _LISTS:
            if not isinstance(content.get(key), list):
                state = "is missing" if key not in content else f"is a {type(content[key]).__name__}"
                raise self._error(f"{key!r} {state}; expected a list")
        return content

    def _by_id(self, entries: list[Any], kind: str, keys: tuple[str, ...]) -> dict[int, dict[str, Any]]:
        """Return entries by id, after checking that all keys exist and all ids differ."""
        by_id: dict[int, dict[str, Any]] = {}
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise self._error(f"{kind} number {number} is a JSON {type(entry).__name__}; expected an object")
            missing = [key for key in ("id", *keys) if key not in entry]
            if missing:
                raise self._error(f"{kind} number {number} (id {entry.get('id')!r}) has no {', '.join(missing)}")
            key = entry["id"]
            if not _is_id(key):
                raise self._error(f"{kind} number {number} has the id {key!r}; expected a whole number, 0 or more")
            if key in by_id:
                raise self._error(f"two entries of kind {kind} have the id {key}; expected each id once")
            by_id[key] = entry
        return by_id

    def _class_name(self, key: int, name: Any) -> str:
        if not isinstance(name, str) or not name.strip():
            raise self._error(f"category {key} has the name {name!r}; expected text")
        return name.strip()

    def _find_images(self) -> dict[int, Path]:
        """Return the path of each image, after checking that it exists and has the size in the file."""
        paths: dict[int, Path] = {}
        missing: list[Path] = []
        key_of: dict[Path, int] = {}
        for key, image in self._images.items():
            name = self._safe_name(key, image["file_name"])
            candidates = list(self._candidates(name))
            path = next((candidate for candidate in candidates if is_file(candidate)), None)
            if path is None:
                missing.append(candidates[0])
                continue
            if path in key_of:
                raise self._error(f"images {key_of[path]} and {key} are the same file {path}", "List each file once.")
            key_of[path] = key
            paths[key] = path
        if missing:
            raise self._error(
                f"{len(missing)} of {len(self._images)} image files are missing, the first is {missing[0]}",
                f"Put the images into {self._root / 'images'}.",
            )
        for key, path in paths.items():
            self._check_size(path, self._images[key])
        return paths

    def _safe_name(self, key: int, name: Any) -> PurePosixPath:
        path = PurePosixPath(name.replace("\\", "/")) if isinstance(name, str) else PurePosixPath()
        if not path.name or path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise self._error(
                f"image {key} has the file name {name!r}; expected a path below {self._root / 'images'}",
                "Write file names relative to images/.",
            )
        return path

    def _candidates(self, name: PurePosixPath) -> Iterator[Path]:
        yield self._root / "images" / name
        if self._split:
            yield self._root / "images" / self._split / name
        yield self._root / name

    def _check_size(self, path: Path, image: dict[str, Any]) -> None:
        stated = (image["width"], image["height"])
        try:
            actual = image_size(path)
        except ImageError as error:
            raise self._error(f"an image cannot be used: {error.what}", error.hint) from error
        if stated != actual or any(type(side) is not int for side in stated):
            raise stated_size_error(self._path, stated, path, actual)

    def _instance(self, key: int, annotation: dict[str, Any], image: dict[str, Any]) -> Instance:
        category = annotation["category_id"]
        if not _is_id(category) or category not in self.categories:
            raise self._error(f"annotation {key} has the category_id {category!r}, but the file lists no such category")
        crowd = annotation.get("iscrowd", 0)
        if crowd not in (0, 1):
            raise self._error(f"annotation {key} has iscrowd {crowd!r}; expected 0 or 1")
        segmentation, bbox = annotation.get("segmentation"), annotation.get("bbox")
        height, width = image["height"], image["width"]
        fill_box = self._boxes_as_masks and not segmentation
        try:
            rle, area = _read_box(bbox, height, width) if fill_box else _read_mask(segmentation, height, width)
        except ValueError as error:
            box_only = not segmentation and not fill_box and bool(bbox)
            raise self._error(
                f"annotation {key} on image {image['file_name']} cannot be used: {error}",
                BOXES_HINT if box_only else FIX_HINT,
            ) from error
        self._filled_boxes += fill_box
        return Instance(key, self.categories[category], rle, area, bool(crowd))


def _read_mask(segmentation: Any, height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a COCO segmentation; ValueError if it is not a valid one."""
    if isinstance(segmentation, dict):
        return rle_from_dict(segmentation, height, width)
    if not segmentation:
        raise ValueError("it has no mask (segmentation is empty); expected polygons or RLE, not a box alone")
    if not isinstance(segmentation, list):
        raise ValueError(f"its segmentation is a {type(segmentation).__name__}; expected polygons or RLE")
    return polygons_rle(segmentation, height, width)


def _read_box(bbox: Any, height: int, width: int) -> tuple[Rle, int]:
    """Return compressed RLE and area of a COCO box [x, y, width, height]; ValueError if it is not a valid one."""
    x, y, w, h = four_numbers(bbox)
    if w < 0 or h < 0:
        raise ValueError(f"its box is {w} wide and {h} high; expected more than 0")
    return box_rle(x, y, x + w, y + h, height, width)


def _is_id(value: Any) -> bool:
    return type(value) is int and value >= 0
