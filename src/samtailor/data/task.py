"""A task: images, instances (one mask and one class name each), and a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.findings import Finding, listed
from samtailor.data.split_names import SPLIT_OF
from samtailor.errors import DataError
from samtailor.machine.text import did_you_mean

__all__ = ["RECTANGLES", "SPLITS", "ImageRecord", "Instance", "Task"]

SPLITS = ("train", "val", "test")
RECTANGLES = "rectangles, not masks"  # part of Task.format if masks are filled boxes
_SHOWN = 12  # class names in the short text of a task


@dataclass(frozen=True, repr=False)
class Instance:
    """One object of a task: a mask and a class name.

    Attributes:
        id: unique within its split. Prompts are drawn from (seed, id), so they do not depend on the order.
        label: class name.
        rle: the mask as COCO's compressed RLE, ``{"size": [H, W], "counts": bytes}``.
        area: foreground pixels of the mask.
        crowd: True for a crowd region, which is neither prompted nor scored.
        parts: number of answers that make up the mask; above 1 if a class map says that the adapter knows its parts.
    """

    id: int
    label: str
    rle: dict[str, Any]
    area: int
    crowd: bool = False
    parts: int = 1

    def __repr__(self) -> str:
        return f"<Instance {self.id}: {self.label!r}, {self.area} pixels{', crowd' if self.crowd else ''}>"

    def mask(self) -> np.ndarray:
        """Return the mask, (H, W) bool, in pixels of the image."""
        return np.asarray(coco_mask.decode(self.rle), dtype=bool)


@dataclass(frozen=True, repr=False)
class ImageRecord:
    """An image file of a task. ``width`` and ``height`` are its size after EXIF rotation, in pixels."""

    path: Path
    width: int
    height: int
    instances: tuple[Instance, ...] = ()

    def __repr__(self) -> str:
        return f"<ImageRecord {str(self.path)!r}: {self.width} x {self.height} pixels, {len(self.instances)} instances>"

    @property
    def promptable(self) -> tuple[Instance, ...]:
        """Instances that can be prompted and scored: not crowd, not empty."""
        return tuple(i for i in self.instances if not i.crowd and i.area > 0)


@dataclass(frozen=True, repr=False)
class Task:
    """A data set with a purpose.

    Attributes:
        name: name of its folder.
        root: that folder.
        format: how it was read, in words; contains ``RECTANGLES`` if masks are filled boxes.
        classes: class names.
        splits: split -> its images.
        source: arguments of ``load_task`` that load this task again; empty if ``load_task`` did not make it.
        findings: what the reader skipped, repaired or found odd; ``inspect_task`` lists them with its own.
    """

    name: str
    root: Path
    format: str
    classes: tuple[str, ...]
    splits: dict[str, tuple[ImageRecord, ...]] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict, compare=False)
    findings: tuple[Finding, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        """Say in one line what the task is; its masks would be millions of characters."""
        splits = ", ".join(f"{name} {len(records)}" for name, records in self.splits.items()) or "none"
        names = ", ".join(self.classes[:_SHOWN]) + (", ..." if len(self.classes) > _SHOWN else "")
        instances = sum(len(record.instances) for record in self.images)
        counts = f"images {splits}; {instances} instances; classes {names or 'none'}"
        return f"<Task {self.name!r} ({self.format}): {counts}>"

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """Images of all splits, in order."""
        return tuple(record for records in self.splits.values() for record in records)

    def split(self, name: str) -> tuple[ImageRecord, ...]:
        """Return the images of one split.

        Raises:
            DataError: the split does not exist or holds no image.
        """
        if name not in (*SPLITS, *self.splits):
            known = listed([*dict.fromkeys((*SPLITS, *self.splits))], 9)
            raise DataError(
                f"There is no split {name!r}; choose {' or '.join(known.rsplit(', ', 1))}.",
                did_you_mean(name, (*SPLITS, *self.splits), SPLIT_OF).strip(),
            )
        if not self.splits.get(name):
            sizes = ", ".join(f"{k} ({len(v)} images)" for k, v in self.splits.items()) or "none"
            raise DataError(
                f"Task {self.name!r} has no images in split {name!r}; its splits are: {sizes}.",
                f"Add {name}.json (COCO) or a {name}/ folder to {self.root}, or choose another split.",
            )
        return self.splits[name]
