"""COCO panoptic: one json file, and a picture for each image whose colours are the numbers of its segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data.formats.coco_content import as_key, list_of, load_content, read_categories
from samtailor.data.formats.coco_crowd import crowd_flag
from samtailor.data.formats.coco_images import ImageLister, ListedImage
from samtailor.data.formats.coco_masks import CocoMask
from samtailor.data.formats.coco_notes import CocoNotes
from samtailor.data.formats.coco_search import CocoSource, base_folder
from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.picture_finder import PictureFinder, name_parts
from samtailor.data.pixels.pillow import is_file, open_picture
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.reading import Reading
from samtailor.data.task import ImageRecord, Instance
from samtailor.data.words import quoted
from samtailor.errors import DataError, ImageError

__all__ = ["PanopticFile"]


class PanopticFile:
    """One panoptic file. Every segment is one instance: objects, and regions such as sky.

    Attributes:
        classes: class names, in the order of their ids.
        has_filled_boxes: always False.
    """

    has_filled_boxes = False

    def __init__(self, source: CocoSource, root: Path, reading: Reading, notes: CocoNotes) -> None:
        """Read the file; see ``CocoFile``."""
        self._path, self._root, self._reading, self._notes = source.path, root, reading, notes
        content = load_content(source.path, reading)
        self._images = list_of(source.path, content, "images", notes)
        self._annotations = list_of(source.path, content, "annotations", notes)
        segments = [segment for a in self._annotations if isinstance(a, dict) for segment in _segments(a)]
        self._categories = read_categories(source.path, content, segments, notes)
        self.classes = tuple(dict.fromkeys(self._categories.values()))
        self._finder = PictureFinder(root, source.path, base_folder(source.path), source.split, source.word)
        self._next_id = 0

    def records(self) -> tuple[ImageRecord, ...]:
        """Return the images with their instances, both in the order of the file."""
        images = ImageLister(self._path, self._finder, self._reading, self._notes).read(self._images, self._annotations)
        records = []
        for image in images:
            instances = [i for _, annotation in image.annotations for i in self._instances(annotation, image)]
            records.append(ImageRecord(image.path, image.width, image.height, tuple(instances)))
        return tuple(records)

    def _instances(self, annotation: dict[str, Any], image: ListedImage) -> list[Instance]:
        title = f"annotation on {quoted(image.name)}"
        try:
            numbers = self._read_numbers(annotation, image)
        except DataError as error:
            self._reading.broken(self._path, title, error.what.rstrip("."), error.hint)
            return []
        instances: list[Instance] = []
        for segment in _segments(annotation):
            self._reading.count()
            entry = f"segment {quoted(segment.get('id'))} on {quoted(image.name)}"
            if (instance := self._instance(segment, entry, numbers, image)) is not None:
                instances.append(instance)
        known = {as_key(segment.get("id")) for segment in _segments(annotation)}
        if unnamed := sorted(set(np.unique(numbers).tolist()) - known - {0}):
            cause = f"the mask picture has the numbers {quoted(unnamed[:5])} that segments_info does not list"
            self._reading.broken(self._path, title, cause, FIX_HINT)
        return instances

    def _instance(
        self, segment: dict[str, Any], entry: str, numbers: np.ndarray, image: ListedImage
    ) -> Instance | None:
        key = as_key(segment.get("category_id"))
        if key is None or key not in self._categories:
            cause = f"has the category_id {quoted(segment.get('category_id'))}, but the file lists no such category"
            self._reading.broken(self._path, entry, cause, FIX_HINT)
            return None
        number = as_key(segment.get("id"))
        if not isinstance(number, int):
            self._reading.broken(self._path, entry, "has no number as its id", FIX_HINT)
            return None
        try:
            crowd = crowd_flag(segment)
        except ValueError:
            cause = f"has iscrowd {quoted(segment['iscrowd'])}; expected 0 or 1"
            self._reading.broken(self._path, entry, cause, FIX_HINT)
            return None
        pixels = numbers == number
        area = int(pixels.sum())
        if area == 0:
            self._reading.broken(self._path, entry, "has no pixel in its mask picture", FIX_HINT)
            return None
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        extent = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        mask = CocoMask(mask_rle(pixels), area, extent, True)
        self._notes.check(entry, segment, mask, image.path, (image.width, image.height))
        self._next_id += 1
        return Instance(self._next_id - 1, self._categories[key], mask.rle, area, crowd)

    def _read_numbers(self, annotation: dict[str, Any], image: ListedImage) -> np.ndarray:
        """Return the number of each pixel's segment, (H, W): red + 256 green + 65536 blue.

        Raises:
            DataError: the mask picture is missing, damaged, no colour picture, or has another size.
        """
        path = self._find_masks(annotation, image)
        try:
            with open_picture(path) as picture:
                if picture.mode not in ("RGB", "RGBA", "L"):
                    raise DataError(
                        f"{path} has colour mode {picture.mode}; expected RGB.", "Export the panoptic masks as RGB PNG."
                    )
                pixels = np.asarray(picture.convert("RGB"), dtype=np.int64)
                is_grey = picture.mode == "L"
        except ImageError as error:
            raise DataError(error.what, error.hint) from error
        if pixels.shape[:2] != (image.height, image.width):
            raise DataError(
                f"{path} has {pixels.shape[1]} x {pixels.shape[0]} pixels, but its image has {image.width} x "
                f"{image.height}; expected equal sizes.",
                FIX_HINT,
            )
        return pixels[..., 0] if is_grey else pixels @ np.array([1, 256, 65536])

    def _find_masks(self, annotation: dict[str, Any], image: ListedImage) -> Path:
        name = annotation.get("file_name")
        parts = name_parts(name)[0] if isinstance(name, str) else ()
        file = parts[-1] if parts else f"{Path(image.name).stem}.png"
        folders = [self._path.parent / self._path.stem, base_folder(self._path) / self._path.stem]
        folders += [self._root / self._path.stem, self._path.parent / "panoptic", self._root / "panoptic"]
        folders += [self._path.parent / "masks", self._root / "masks"]
        for folder in folders:
            if is_file(folder / file):
                return folder / file
        archive = self._path.with_suffix(".zip")
        hint = f"Unpack {archive}." if is_file(archive) else f"Put the mask pictures into {folders[0]}."
        raise DataError(f"its mask picture {folders[0] / file} is missing.", hint)


def _segments(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    segments = annotation.get("segments_info")
    return [segment for segment in segments if isinstance(segment, dict)] if isinstance(segments, list) else []
