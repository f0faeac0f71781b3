"""Masks of many images in one JSON file: a COCO dataset, or a list of COCO results."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.errors import DataError
from samtailor.machine.files import write_atomically

__all__ = ["JsonFormat", "MaskJson", "MaskRecord", "mask_record"]

JsonFormat = Literal["coco", "rle"]
SECONDS = 60.0
"""Least time between two writings of the file, so that a killed run loses at most that."""
DEFAULT_CLASS = "object"


@dataclass(frozen=True)
class MaskRecord:
    """One mask.

    Attributes:
        prompt: number of its prompt on the image, from 0.
        score: the model's own estimate of the mask's IoU.
        rle: compressed, its counts as text.
        box: x, y, width, height, pixels.
        area: pixels.
        category: id of its class.
    """

    prompt: int
    score: float
    rle: dict[str, Any]
    box: list[float]
    area: int
    category: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "category_id": self.category,
            "segmentation": self.rle,
            "bbox": self.box,
            "area": self.area,
            "score": self.score,
            "prompt": self.prompt,
        }


def mask_record(prompt: int, mask: np.ndarray, score: float, category: int) -> MaskRecord:
    """Describe a mask (H, W) bool."""
    rle = coco_mask.encode(np.asfortranarray(mask.view(np.uint8)))
    text = {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode()}
    box = [float(value) for value in coco_mask.toBbox(rle)]
    return MaskRecord(prompt, round(float(score), 6), text, box, int(coco_mask.area(rle)), category)


@dataclass(frozen=True)
class _Image:
    file_name: str
    width: int
    height: int
    image_id: int | None
    masks: Sequence[dict[str, Any]]


@dataclass
class MaskJson:
    """Collects masks and writes them to ``coco.json`` or ``rle.json``; images in an existing file are kept.

    Attributes:
        path: the file.
        format: ``coco`` is a dataset (images, annotations, categories), ``rle`` a list as COCO's tools take results.
        categories: class name -> id.
    """

    path: Path
    format: JsonFormat
    categories: Mapping[str, int] = field(default_factory=dict)
    _images: dict[str, _Image] = field(init=False, default_factory=dict)
    _written: float = field(init=False, default_factory=time.monotonic)
    _pause: float = field(init=False, default=SECONDS)

    def __post_init__(self) -> None:
        self.categories = dict(self.categories) or {DEFAULT_CLASS: 1}
        if self.path.exists():
            try:
                self._read(json.loads(self.path.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataError(
                    f"{self.path} exists and is not a file that predict --format {self.format} wrote: {error!r}.",
                    "Choose another folder, or move the file away.",
                ) from error

    def __contains__(self, file_name: str) -> bool:
        return file_name in self._images

    def category(self, name: str | None) -> int:
        """Return the id of a class; new names get the next one."""
        if name is None:
            return next(iter(self.categories.values()))
        categories = dict(self.categories)
        number = categories.setdefault(name, max(categories.values(), default=0) + 1)
        self.categories = categories
        return number

    def add(
        self, file_name: str, size: tuple[int, int], masks: Sequence[MaskRecord], image_id: int | None = None
    ) -> None:
        """Add an image of (width, height) pixels with its masks; it replaces the same image."""
        rows = [record.to_dict() for record in sorted(masks, key=lambda record: record.prompt)]
        for name, other in self._images.items():
            if image_id is not None and other.image_id == image_id and name != file_name:
                self._images[name] = replace(other, image_id=None)  # from an earlier run with other ids
        kept = self._images[file_name].image_id if image_id is None and file_name in self._images else image_id
        self._images[file_name] = _Image(file_name, *size, kept, rows)
        if time.monotonic() - self._written > self._pause:
            self.write()

    def write(self) -> None:
        """Write the file."""
        start = time.monotonic()
        content = self._dataset() if self.format == "coco" else self._results()
        write_atomically(self.path, (json.dumps(content, ensure_ascii=True) + "\n").encode())
        self._written = time.monotonic()
        self._pause = max(SECONDS, 20 * (self._written - start))  # a large file is written less often

    def _numbered(self) -> list[tuple[int, _Image]]:
        """Return the images with their ids: those of the file of prompts, others above them."""
        used = {image.image_id for image in self._images.values()} - {None}
        free = max((number for number in used if number is not None), default=0)
        numbered = []
        for image in self._images.values():
            number = image.image_id
            if number is None:
                free += 1
                number = free
            numbered.append((number, image))
        return numbered

    def _dataset(self) -> dict[str, Any]:
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, image in self._numbered():
            images.append({"id": number, "file_name": image.file_name, "width": image.width, "height": image.height})
            for mask in image.masks:
                annotations.append({"id": len(annotations) + 1, "image_id": number, "iscrowd": 0, **mask})
        categories = [{"id": number, "name": name} for name, number in self.categories.items()]
        return {"images": images, "annotations": annotations, "categories": categories}

    def _results(self) -> list[dict[str, Any]]:
        return [
            {"image_id": number, "file_name": image.file_name, **mask}
            for number, image in self._numbered()
            for mask in image.masks
        ]

    def _read(self, content: Any) -> None:
        """Take over the images of an existing file."""
        own = ("category_id", "segmentation", "bbox", "area", "score", "prompt")
        if self.format == "coco":
            rows, tables = content["annotations"], {image["id"]: image for image in content["images"]}
            for category in content["categories"]:
                self.categories = {**self.categories, category["name"]: category["id"]}
        else:
            rows, tables = content, {row["image_id"]: row for row in content}
        masks: dict[int, list[dict[str, Any]]] = {number: [] for number in tables}
        for row in rows:
            masks[row["image_id"]].append({key: row[key] for key in own if key in row})
        for number, image in tables.items():
            height, width = (
                (image["height"], image["width"]) if self.format == "coco" else image["segmentation"]["size"]
            )
            name = str(image["file_name"])
            self._images[name] = _Image(name, int(width), int(height), int(number), masks[number])
