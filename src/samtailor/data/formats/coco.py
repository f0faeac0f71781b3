"""Reading a task from COCO json files: masks as compressed RLE, uncompressed RLE or polygons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from samtailor.data.formats.shapes import BOXES_HINT, box_rle
from samtailor.data.pixels.images import image_size
from samtailor.data.pixels.pillow import is_file
from samtailor.data.pixels.rle import Rle, polygons_rle, rle_from_counts
from samtailor.data.splits import refuse_misnamed_splits, split_by_name
from samtailor.data.task import RECTANGLES, SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError, ImageError

__all__ = ["find_coco_files", "read_coco"]

_FOLDERS = ("", "annotations")


def find_coco_files(root: Path) -> dict[str, Path]:
    """split -> json file, from ``root`` or else ``root/annotations``; empty where there is none."""
    for folder in _FOLDERS:
        files = {split: root / folder / f"{split}.json" for split in SPLITS}
        found = {split: path for split, path in files.items() if path.is_file()}
        if found:
            return found
    return {}


def read_coco(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read ``train.json``, ``val.json``, ``test.json`` (one or more) and the headers of ``images/``.

    Pixels are not decoded. Areas are counted from the masks. Every class of the files is listed, used or not.

    Args:
        root: a folder with the json files in it or in ``annotations/``; or one json file. A file with another
            name than a split's is split here by file name: 70 % train, 10 % val, 20 % test.
        seed: of that split.
        boxes_as_masks: fill ``bbox`` in where an annotation has no mask; an error otherwise.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it.
    """
    root = Path(root)
    if root.is_file():
        return _read_one_file(root, seed, boxes_as_masks)
    files = find_coco_files(root)
    if not files:
        raise DataError(
            f"No COCO file in {root}; expected {', '.join(f'{split}.json' for split in SPLITS)}, there or in "
            f"{root / 'annotations'}.",
            "Name the files so, or pass the path of one json file.",
        )
    for path in files.values():
        refuse_misnamed_splits(path.parent, ".json")
    readers = {split: _CocoFile(path, root, split, boxes_as_masks) for split, path in files.items()}
    splits = {split: reader.records() for split, reader in readers.items()}
    found = list(readers.values())
    return Task(root.resolve().name, root, "COCO json" + _note(found), _classes(found), splits)


def _read_one_file(path: Path, seed: int, boxes_as_masks: bool) -> Task:
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    if path.stem in SPLITS:
        reader = _CocoFile(path, root, path.stem, boxes_as_masks)
        records = reader.records()
        return Task(root.resolve().name, root, "COCO json" + _note([reader]), _classes([reader]), {path.stem: records})
    reader = _CocoFile(path, root, "", boxes_as_masks)
    records = reader.records()
    names = [record.path.relative_to(root).as_posix() for record in records]
    chosen = split_by_name(names, seed)
    splits = {
        split: tuple(record for record, name in zip(records, names, strict=True) if chosen[name] == split)
        for split in SPLITS
    }
    format_name = f"COCO json, split 70/10/20 by file name (seed {seed}){_note([reader])}"
    return Task(root.resolve().name, root, format_name, _classes([reader]), splits)


def _classes(readers: list[_CocoFile]) -> tuple[str, ...]:
    """Class names of all files, each once, in the order of their ids."""
    names = dict.fromkeys(name for reader in readers for _, name in sorted(reader.categories.items()))
    return tuple(names)


def _note(readers: list[_CocoFile]) -> str:
    """Says so where boxes were filled in: here, or by the conversion that wrote the file."""
    return f", {RECTANGLES}" if any(reader.boxes or reader.says_rectangles for reader in readers) else ""


class _CocoFile:
    """One json file, checked as it is read; every error names it."""

    def __init__(self, path: Path, root: Path, split: str, boxes_as_masks: bool) -> None:
        self.path, self.root, self.split, self.boxes_as_masks = path, root, split, boxes_as_masks
        self.boxes = 0
        content = self._load()
        self.says_rectangles = RECTANGLES in str(content.get("info"))
        self.images = self._by_id(content["images"], "image", ("file_name", "width", "height"))
        self.annotations = self._by_id(
            content["annotations"],
            "annotation",
            ("image_id", "category_id", *(() if boxes_as_masks else ("segmentation",))),
        )
        categories = self._by_id(content["categories"], "category", ("name",))
        self.categories = {key: self._class_name(key, category["name"]) for key, category in categories.items()}

    def records(self) -> tuple[ImageRecord, ...]:
        """Images in the order of the file, with their instances in the order of the file."""
        paths = self._find_images()
        instances: dict[int, list[Instance]] = {key: [] for key in self.images}
        for key, annotation in self.annotations.items():
            image = annotation["image_id"]
            if not _is_id(image) or image not in self.images:
                raise self._error(f"annotation {key} points at image {image!r}, which the file does not list")
            instances[image].append(self._instance(key, annotation, self.images[image]))
        return tuple(
            ImageRecord(paths[key], image["width"], image["height"], tuple(instances[key]))
            for key, image in self.images.items()
        )

    def _error(self, cause: str, hint: str = "Mend the file or write it again.") -> DataError:
        return DataError(f"{self.path}: {cause}.", hint)

    def _load(self) -> dict[str, list[Any]]:
        try:
            content = json.loads(self.path.read_bytes())
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror})", "Check the path and its permissions.") from error
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not JSON ({error})") from error
        keys = ("images", "annotations", "categories")
        if not isinstance(content, dict):
            raise self._error(f"holds a JSON {type(content).__name__}; expected an object with {', '.join(keys)}")
        for key in keys:
            if not isinstance(content.get(key), list):
                came = "is missing" if key not in content else f"is a {type(content[key]).__name__}"
                raise self._error(
                    f"{key!r} {came}; expected a list", "COCO files have images, annotations, categories."
                )
        return content

    def _by_id(self, entries: list[Any], kind: str, keys: tuple[str, ...]) -> dict[int, dict[str, Any]]:
        """Entries by their id, after checking that all keys are there and no id comes twice."""
        found: dict[int, dict[str, Any]] = {}
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise self._error(f"{kind} number {place} is a JSON {type(entry).__name__}; expected an object")
            missing = [key for key in ("id", *keys) if key not in entry]
            if missing:
                raise self._error(f"{kind} number {place} (id {entry.get('id')!r}) has no {', '.join(missing)}")
            key = entry["id"]
            if not _is_id(key):
                raise self._error(f"{kind} number {place} has the id {key!r}; expected a whole number, 0 or more")
            if key in found:
                raise self._error(f"two entries of kind {kind} have the id {key}", "Ids must differ within a file.")
            found[key] = entry
        return found

    def _class_name(self, key: int, name: Any) -> str:
        if not isinstance(name, str) or not name.strip():
            raise self._error(f"category {key} has the name {name!r}; expected text")
        return name.strip()

    def _find_images(self) -> dict[int, Path]:
        """Paths of all images, each there, each of the size that the file says."""
        paths: dict[int, Path] = {}
        missing: list[Path] = []
        seen: dict[Path, int] = {}
        for key, image in self.images.items():
            name = self._safe_name(key, image["file_name"])
            candidates = list(self._candidates(name))
            path = next((candidate for candidate in candidates if is_file(candidate)), None)
            if path is None:
                missing.append(candidates[0])
                continue
            if path in seen:
                raise self._error(f"images {seen[path]} and {key} are the same file {path}", "List each file once.")
            seen[path] = key
            paths[key] = path
        if missing:
            raise self._error(
                f"{len(missing)} of {len(self.images)} image files are missing, the first is {missing[0]}",
                f"Put them into {self.root / 'images'}.",
            )
        for key, path in paths.items():
            self._check_size(path, self.images[key])
        return paths

    def _safe_name(self, key: int, name: Any) -> PurePosixPath:
        path = PurePosixPath(name.replace("\\", "/")) if isinstance(name, str) else PurePosixPath()
        if not path.name or path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise self._error(
                f"image {key} has the file name {name!r}; expected a path below {self.root / 'images'}",
                "Write file names relative to images/.",
            )
        return path

    def _candidates(self, name: PurePosixPath) -> Iterator[Path]:
        yield self.root / "images" / name
        if self.split:
            yield self.root / "images" / self.split / name
        yield self.root / name

    def _check_size(self, path: Path, image: dict[str, Any]) -> None:
        said = (image["width"], image["height"])
        try:
            real = image_size(path)
        except ImageError as error:
            raise self._error(f"an image of it is bad: {error.what}", error.hint) from error
        if said == real and all(type(side) is int for side in said):
            return
        turned = " The sides are swapped: the photo carries an EXIF rotation." if said == real[::-1] else ""
        raise self._error(
            f"it says that {path.name} has {said[0]} x {said[1]} pixels (width x height), but {path} has "
            f"{real[0]} x {real[1]}",
            f"Masks must fit the image as it is shown, EXIF rotation applied.{turned}",
        )

    def _instance(self, key: int, annotation: dict[str, Any], image: dict[str, Any]) -> Instance:
        category = annotation["category_id"]
        if not _is_id(category) or category not in self.categories:
            raise self._error(f"annotation {key} points at category {category!r}, which the file does not list")
        crowd = annotation.get("iscrowd", 0)
        if crowd not in (0, 1):
            raise self._error(f"annotation {key} has iscrowd {crowd!r}; expected 0 or 1")
        segmentation, height, width = annotation.get("segmentation"), image["height"], image["width"]
        boxed = self.boxes_as_masks and not segmentation
        try:
            rle, area = (_read_box if boxed else _read_mask)(
                annotation.get("bbox") if boxed else segmentation, height, width
            )
        except ValueError as error:
            alone = not segmentation and not boxed and bool(annotation.get("bbox"))
            hint = BOXES_HINT if alone else "Mend the file or write it again."
            raise self._error(
                f"annotation {key} on image {image['file_name']} cannot be used: {error}", hint
            ) from error
        self.boxes += boxed
        return Instance(key, self.categories[category], rle, area, bool(crowd))


def _read_mask(segmentation: Any, height: int, width: int) -> tuple[Rle, int]:
    """Compressed RLE and area of a COCO segmentation; ValueError where it is none."""
    if isinstance(segmentation, dict):
        size, counts = segmentation.get("size"), segmentation.get("counts")
        if size != [height, width]:
            raise ValueError(f"its RLE has size {size}; its image has [height, width] = [{height}, {width}]")
        if not isinstance(counts, (str, list)):
            raise ValueError(f"its RLE has counts of type {type(counts).__name__}; expected text or a list")
        return rle_from_counts(counts, height, width)
    if not segmentation:
        raise ValueError("it has no mask (segmentation is empty); boxes alone do not make masks")
    if not isinstance(segmentation, list):
        raise ValueError(f"its segmentation is a {type(segmentation).__name__}; expected polygons or RLE")
    return polygons_rle(segmentation, height, width)


def _read_box(bbox: Any, height: int, width: int) -> tuple[Rle, int]:
    """Compressed RLE and area of a COCO box [x, y, width, height]; ValueError where it is none."""
    numbers = bbox if isinstance(bbox, list) else []
    if len(numbers) != 4 or any(type(value) not in (int, float) for value in numbers):
        raise ValueError(f"it has no mask, and the bbox {bbox!r}; expected [x, y, width, height]")
    x, y, w, h = numbers
    if w < 0 or h < 0:
        raise ValueError(f"its bbox is {w} wide and {h} high; expected more than 0")
    return box_rle(x, y, x + w, y + h, height, width)


def _is_id(value: Any) -> bool:
    return type(value) is int and value >= 0
