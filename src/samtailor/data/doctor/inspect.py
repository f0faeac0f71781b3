"""What a task holds, counted, and what is wrong with it: to be seen before anything trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.doctor import masks as check_masks
from samtailor.data.doctor import splits as check_splits
from samtailor.data.doctor.duplicates import Duplicate, DuplicateSearch, duplicate_findings
from samtailor.data.doctor.findings import Finding, rank, times
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.errors import ImageError

__all__ = ["TINY_AREA", "BadImage", "Inspection", "SplitCounts", "inspect_task"]

TINY_AREA = 10  # pixels; an instance with fewer is tiny

# Checks of the annotations alone; each is a pure function of the task.
_CHECKS: tuple[Callable[[Task], list[Finding]], ...] = (
    check_splits.missing_splits,
    check_splits.small_splits,
    check_splits.classes_in_splits,
    check_splits.dominant_class,
    check_splits.images_without,
    check_splits.strips,
    check_masks.empty_masks,
    check_masks.full_masks,
    check_masks.same_masks,
    check_masks.small,
    check_masks.thin,
    check_masks.speckles,
    check_masks.boxes,
)

_QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}


@dataclass(frozen=True)
class SplitCounts:
    """Counts of one split.

    Attributes:
        images: all images.
        empty_images: images without any instance that can be prompted.
        instances: all instances, crowd and empty ones included.
        crowd: crowd regions; neither prompted nor scored.
        empty_masks: instances without a foreground pixel; neither prompted nor scored.
        tiny: instances of 1 to ``TINY_AREA - 1`` pixels, crowd left out.
        at_border: instances that touch the image's border, crowd left out.
        classes: class name -> instances that can be prompted, in the order of ``Task.classes``.
    """

    images: int
    empty_images: int
    instances: int
    crowd: int
    empty_masks: int
    tiny: int
    at_border: int
    classes: dict[str, int]


@dataclass(frozen=True)
class BadImage:
    """An image file that cannot be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Inspection:
    """What ``inspect_task`` found.

    Attributes:
        name: of the task.
        root: its folder.
        format: how it was read.
        splits: counts by split.
        widths: smallest and largest image width, pixels; None without images.
        heights: likewise.
        areas: min, q05, q25, median, q75, q95, max of the areas of promptable instances, pixels; empty without any.
        decoded: whether the images were decoded; if not, the next three say nothing.
        bad_images: how many images cannot be used.
        first_bad: the first of them in the order of the task.
        leaks: pairs of files in different splits with the same bytes; scores on them say too much.
        duplicates: all pictures that are there twice, equal or alike, between splits or within one.
        findings: what deserves a look, the worst first.
    """

    name: str
    root: str
    format: str
    splits: dict[str, SplitCounts]
    widths: tuple[int, int] | None
    heights: tuple[int, int] | None
    areas: dict[str, float]
    decoded: bool
    bad_images: int
    first_bad: BadImage | None
    leaks: tuple[tuple[str, str], ...]
    duplicates: tuple[Duplicate, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and texts, for JSON."""
        plain = asdict(self)
        for key in ("widths", "heights"):
            plain[key] = None if plain[key] is None else list(plain[key])
        plain["leaks"] = [list(pair) for pair in self.leaks]
        plain["duplicates"] = [duplicate.to_dict() for duplicate in self.duplicates]
        plain["findings"] = [finding.to_dict() for finding in self.findings]
        return plain


def inspect_task(
    task: Task, decode_images: bool = True, progress: Callable[[int, int], None] | None = None
) -> Inspection:
    """Count what a task holds, decode its images and say what is wrong with it.

    Args:
        task: the task.
        decode_images: decode every image, which finds damaged files and pictures that are there twice.
        progress: called as progress(done, total) after each image; only where images are decoded.

    Returns:
        The counts and the findings; a bad image is reported in them and raises nothing.
    """
    records = [record for split in task.splits.values() for record in split]
    areas = [instance.area for record in records for instance in record.promptable]
    bad, duplicates = _decode_all(task, progress) if decode_images else ([], [])
    findings = [finding for check in _CHECKS for finding in check(task)]
    return Inspection(
        name=task.name,
        root=str(task.root),
        format=task.format,
        splits={split: _count(split_records, task.classes) for split, split_records in task.splits.items()},
        widths=_range([record.width for record in records]),
        heights=_range([record.height for record in records]),
        areas={name: float(np.quantile(areas, at)) for name, at in _QUANTILES.items()} if areas else {},
        decoded=decode_images,
        bad_images=len(bad),
        first_bad=bad[0] if bad else None,
        leaks=tuple((d.of, d.file) for d in duplicates if d.kind == "bytes" and d.split != d.of_split),
        duplicates=tuple(duplicates),
        findings=rank([*findings, *_unreadable(bad), *duplicate_findings(duplicates)]),
    )


def _count(records: tuple[ImageRecord, ...], classes: tuple[str, ...]) -> SplitCounts:
    instances = [instance for record in records for instance in record.instances]
    promptable = [instance for record in records for instance in record.promptable]
    labels = Counter(instance.label for instance in promptable)
    return SplitCounts(
        images=len(records),
        empty_images=sum(not record.promptable for record in records),
        instances=len(instances),
        crowd=sum(instance.crowd for instance in instances),
        empty_masks=sum(instance.area == 0 for instance in instances),
        tiny=sum(instance.area < TINY_AREA for instance in promptable),
        at_border=_at_border(promptable),
        classes={name: labels[name] for name in classes},
    )


def _at_border(instances: list[Instance]) -> int:
    if not instances:
        return 0
    left, top, width, height = coco_mask.toBbox([instance.rle for instance in instances]).T
    sizes = np.array([instance.rle["size"] for instance in instances])
    right, bottom = left + width, top + height
    return int(((left == 0) | (top == 0) | (right == sizes[:, 1]) | (bottom == sizes[:, 0])).sum())


def _range(values: list[int]) -> tuple[int, int] | None:
    return (min(values), max(values)) if values else None


def _decode_all(task: Task, progress: Callable[[int, int], None] | None) -> tuple[list[BadImage], list[Duplicate]]:
    """Images that cannot be used, and pictures that are there twice; each file is decoded once."""
    total = sum(len(records) for records in task.splits.values())
    done = 0
    bad: list[BadImage] = []
    search = DuplicateSearch()
    for split, records in task.splits.items():
        for record in records:
            try:
                search.add(record.path, split, image_key(record.path), _pixels(record))
            except ImageError as error:
                bad.append(BadImage(str(record.path), str(error)))
            done += 1
            if progress is not None:
                progress(done, total)
    return bad, search.duplicates()


def _unreadable(bad: list[BadImage]) -> list[Finding]:
    if not bad:
        return []
    what = f"{times(len(bad), 'image')} cannot be used. {bad[0].reason}"
    files = tuple(dict.fromkeys(image.path for image in bad))
    hint = "Get the files again or take them out; encode, fit and evaluate stop at the first."
    return [Finding("error", "unreadable", what, files, len(bad), hint)]


def _pixels(record: ImageRecord) -> np.ndarray:
    """(H, W, 3) uint8, of the size that the task states."""
    pixels = read_image(record.path)
    height, width, _ = pixels.shape
    if (width, height) != (record.width, record.height):
        raise ImageError(
            f"Image {record.path} has {width} x {height} pixels; the task says {record.width} x {record.height}."
        )
    return pixels
