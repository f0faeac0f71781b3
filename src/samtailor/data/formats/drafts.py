"""Images with masks on the way to a task: readers make drafts, and drafts become records with instance ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from samtailor.data.pixels.rle import Rle
from samtailor.data.splits import split_items
from samtailor.data.task import RECTANGLES, ImageRecord, Instance, Task

__all__ = [
    "IDS_PER_IMAGE",
    "Draft",
    "LabelledMask",
    "draft_labels",
    "number_instances",
    "split_drafts",
    "task_from_drafts",
]

IDS_PER_IMAGE = 65536


class LabelledMask(NamedTuple):
    """A mask with its class: an instance without an id.

    Attributes:
        label: class name.
        rle: compressed RLE.
        area: foreground pixels.
        crowd: True for a crowd region.
    """

    label: str
    rle: Rle
    area: int
    crowd: bool = False


@dataclass(frozen=True)
class Draft:
    """An image with its masks, before the instances have ids.

    Attributes:
        path: file of the image.
        width: width after EXIF rotation, pixels.
        height: height after EXIF rotation, pixels.
        masks: one for each instance.
        boxes: number of masks that are filled boxes.
    """

    path: Path
    width: int
    height: int
    masks: tuple[LabelledMask, ...]
    boxes: int = 0


def number_instances(drafts: Sequence[Draft]) -> tuple[ImageRecord, ...]:
    """Give each instance an id from the positions of its image and its mask; ids are unique within the list."""
    return tuple(
        ImageRecord(
            draft.path,
            draft.width,
            draft.height,
            tuple(Instance(index * IDS_PER_IMAGE + n, *mask) for n, mask in enumerate(draft.masks)),
        )
        for index, draft in enumerate(drafts)
    )


def split_drafts(drafts: Sequence[Draft], root: Path, seed: int) -> dict[str, list[Draft]]:
    """Split drafts by the paths of their images below ``root``, without suffix."""
    return split_items(drafts, lambda draft: _name(draft.path, root), seed)


def draft_labels(drafts: Iterable[Draft]) -> set[str]:
    """Return the class names that occur."""
    return {mask.label for draft in drafts for mask in draft.masks}


def task_from_drafts(root: Path, layout: str, classes: Iterable[str], drafts: dict[str, list[Draft]]) -> Task:
    """Make a task from the drafts of each split.

    Args:
        root: folder of the task.
        layout: how it was read, in words. A note about filled boxes is added if there are any.
        classes: class names, in order.
        drafts: split -> its drafts.
    """
    note = _rectangles_note([draft for images in drafts.values() for draft in images])
    splits = {split: number_instances(images) for split, images in drafts.items()}
    return Task(root.resolve().name, root, layout + note, tuple(classes), splits)


def _rectangles_note(drafts: list[Draft]) -> str:
    boxes, total = sum(draft.boxes for draft in drafts), sum(len(draft.masks) for draft in drafts)
    if not boxes:
        return ""
    return f", {RECTANGLES}" if boxes == total else f", {boxes} of {total} instances are {RECTANGLES}"


def _name(path: Path, root: Path) -> str:
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return inside.with_suffix("").as_posix()
