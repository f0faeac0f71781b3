"""One COCO json file: its images with their instances. Broken entries are left out and reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samtailor.data.findings import times
from samtailor.data.formats.builders import without_repeats
from samtailor.data.formats.coco_content import as_key, list_of, load_content, read_categories
from samtailor.data.formats.coco_crowd import crowd_flag, judge_crowds
from samtailor.data.formats.coco_images import ImageLister, ListedImage
from samtailor.data.formats.coco_masks import (
    are_boxes,
    finite_box,
    is_empty,
    is_number,
    read_box,
    read_segmentation,
    turned_rle,
)
from samtailor.data.formats.coco_notes import CocoNotes
from samtailor.data.formats.coco_search import CocoSource, base_folder
from samtailor.data.formats.drafts import LabelledMask
from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.picture_finder import PictureFinder
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.reading import Reading
from samtailor.data.task import RECTANGLES, ImageRecord, Instance
from samtailor.data.words import quoted
from samtailor.errors import DataError

__all__ = ["CocoFile"]

_MOST_ID = 2**62


class CocoFile:
    """One json file, checked while it is read.

    Attributes:
        classes: class names, in the order of their ids.
    """

    def __init__(self, source: CocoSource, root: Path, reading: Reading, notes: CocoNotes) -> None:
        """Read the file.

        Args:
            source: the json file and its split.
            root: folder of the task; images are searched below it.
            reading: the options, and where broken entries are reported.
            notes: where repairs and contradictions are collected.

        Raises:
            DataError: the file as a whole cannot be used.
        """
        self._path, self._reading, self._notes = source.path, reading, notes
        self._boxes_as_masks = reading.options.boxes_as_masks
        content = load_content(source.path, reading)
        self._says_rectangles = RECTANGLES in str(content.get("info"))[:10_000]
        self._is_own = "converted by samtailor" in str(content.get("info"))[:10_000]
        self._images = list_of(source.path, content, "images", notes)
        self._annotations = list_of(source.path, content, "annotations", notes)
        self._categories = read_categories(source.path, content, self._annotations, notes)
        self.classes = tuple(dict.fromkeys(self._categories.values()))
        self._finder = PictureFinder(root, source.path, base_folder(source.path), source.split, source.word)
        self._filled_boxes = 0
        self._has_oriented_boxes = False

    @property
    def has_filled_boxes(self) -> bool:
        """True if masks are filled boxes: filled by ``records()``, or earlier by the conversion that wrote the file."""
        return self._filled_boxes > 0 or self._says_rectangles or self._has_oriented_boxes

    def records(self) -> tuple[ImageRecord, ...]:
        """Return the images with their instances, both in the order of the file.

        Raises:
            DataError: no annotation has a mask, or two images share an id.
        """
        self._check_masks()
        images = ImageLister(self._path, self._finder, self._reading, self._notes).read(self._images, self._annotations)
        ids = self._unique_ids()
        crowds = judge_crowds(self._annotations, self._reading.options.crowds, self._is_own)
        records = []
        for image in images:
            instances = []
            for number, annotation in image.annotations:
                if (instance := self._instance(ids[number], annotation, image, crowds.objects)) is not None:
                    instances.append(instance)
            instances = instances if self._is_own else self._without_repeats(instances, image)
            records.append(ImageRecord(image.path, image.width, image.height, tuple(instances)))
        if crowds.reason and self._reading.options.crowds == "auto":
            read = "were read as objects" if crowds.objects else "count as crowd regions, which are not prompted"
            self._reading.note(
                "crowd-flags",
                "warning",
                lambda _: (
                    f"{times(crowds.count, 'mask', 'masks')} of {crowds.total} in {self._path.name} have iscrowd 1 and "
                    f"{read}: {crowds.reason}."
                ),
                "If they are regions of many objects, add --crowds keep (in Python crowds='keep')."
                if crowds.objects
                else "If each is one object, add --crowds objects (in Python crowds='objects'), or set iscrowd to 0.",
                self._path,
            )
        return tuple(records)

    def _broken(self, entry: str, cause: str, hint: str = FIX_HINT) -> None:
        self._reading.broken(self._path, entry, cause, hint)

    def _check_masks(self) -> None:
        """Raise DataError if the annotations are boxes alone."""
        entries = [a for a in self._annotations if isinstance(a, dict)]
        if not (self._is_own or self._says_rectangles) and are_boxes(a.get("segmentation") for a in entries):
            self._has_oriented_boxes = True
            if not self._boxes_as_masks:
                raise DataError(
                    f"{self._path}: the polygons of all {len(entries)} annotations have four corners with right "
                    "angles: they are boxes, upright or oriented; expected outlines.",
                    BOXES_HINT,
                )
        if self._boxes_as_masks or not entries or not all(is_empty(a.get("segmentation")) for a in entries):
            return
        boxes = sum(finite_box(annotation.get("bbox")) is not None for annotation in entries)
        if boxes:
            raise DataError(
                f"{self._path}: none of the {len(entries)} annotations has a mask (segmentation), {boxes} have a box "
                "alone; expected polygons or RLE.",
                BOXES_HINT,
            )
        raise DataError(
            f"{self._path}: none of the {len(entries)} annotations has a mask (segmentation); expected polygons or "
            "RLE.",
            "Export the file with masks: COCO instances, not captions or keypoints.",
        )

    def _unique_ids(self) -> list[int]:
        """Return an id for each annotation: its own if it is a whole number used once, otherwise a new one."""
        own = [as_key(a.get("id")) if isinstance(a, dict) else None for a in self._annotations]
        taken: set[int] = set()
        ids: list[int | None] = []
        for key in own:
            usable = isinstance(key, int) and 0 <= key < _MOST_ID and key not in taken
            if usable:
                taken.add(key)  # type: ignore[arg-type]
            ids.append(key if usable else None)  # type: ignore[arg-type]
        new = _numbers_from(max(taken, default=-1) + 1)
        missing = sum(key is None for key in ids)
        if missing:
            self._notes.repaired("annotation id missing, repeated or no number", self._path, missing)
        return [next(new) if key is None else key for key in ids]

    def _instance(self, key: int, annotation: dict[str, Any], image: ListedImage, objects: bool) -> Instance | None:
        """Return the instance of an annotation; None if it is broken, which is reported."""
        title = f"annotation {quoted(annotation.get('id', key))} on {quoted(image.name)}"
        label = self._label(annotation)
        if label is None:
            category = annotation.get("category_id")
            cause = f"has the category_id {quoted(category)}, but the file lists no such category"
            self._broken(title, cause)
            return None
        try:
            crowd = crowd_flag(annotation)
        except ValueError:
            self._broken(title, f"has iscrowd {quoted(annotation['iscrowd'])}; expected 0 or 1")
            return None
        segmentation, bbox = annotation.get("segmentation"), annotation.get("bbox")
        fill_box = self._boxes_as_masks and is_empty(segmentation)
        width, height = image.drawn_size
        try:
            if fill_box:
                mask = read_box(bbox, height, width, image.scale)
            else:
                mask = read_segmentation(segmentation, height, width, image.scale)
        except ValueError as error:
            box_only = not fill_box and is_empty(segmentation) and finite_box(bbox) is not None
            self._broken(title, f"cannot be used: {error}", BOXES_HINT if box_only else FIX_HINT)
            return None
        self._filled_boxes += fill_box
        for repair in mask.repairs:
            self._notes.repaired(repair, image.path)
        crowd = crowd and not objects
        if not crowd:
            self._notes.check(title, _scaled_values(annotation, image), mask, image.path, image.drawn_size)
        return Instance(key, label, turned_rle(mask.rle, image.turn), mask.area, crowd)

    def _without_repeats(self, instances: list[Instance], image: ListedImage) -> list[Instance]:
        """Return one of several instances with the same class and the same mask; note the others."""
        masks = [(LabelledMask(i.label, i.rle, i.area, i.crowd), False) for i in instances]
        kept = {id(mask) for mask, _ in without_repeats(masks, self._reading, image.path)}
        return [instance for instance, (mask, _) in zip(instances, masks, strict=True) if id(mask) in kept]

    def _label(self, annotation: dict[str, Any]) -> str | None:
        category = annotation.get("category_id")
        if category is None and len(self.classes) == 1:
            return self.classes[0]
        key = as_key(category)
        name = None if key is None else self._categories.get(key)
        if name is None and isinstance(category, str) and category.strip() in self.classes:
            self._notes.repaired("category_id with the name of the class", self._path)
            return category.strip()
        return name


def _numbers_from(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _scaled_values(annotation: dict[str, Any], image: ListedImage) -> dict[str, Any]:
    """Return the stored box and area in pixels of the picture."""
    x, y = image.scale
    if (x, y) == (1.0, 1.0):
        return annotation
    box, area = finite_box(annotation.get("bbox")), annotation.get("area")
    if (x, y) == (image.width, image.height) and max(*(box or (0, 0)), area if is_number(area) else 0) > 1:
        x, y = 1.0, 1.0  # polygons are fractions of the image, box and area are not
    return {
        "bbox": [box[0] * x, box[1] * y, box[2] * x, box[3] * y] if box else None,
        "area": area * x * y if is_number(area) else None,
    }
