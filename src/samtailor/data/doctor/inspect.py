"""Count the contents of a task and list its problems, before anything trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.doctor import masks as check_masks
from samtailor.data.doctor import splits as check_splits
from samtailor.data.doctor.duplicates import Duplicate
from samtailor.data.doctor.images import BadImage, duplicate_findings, read_images, unreadable
from samtailor.data.doctor.levels import LevelCheck
from samtailor.data.findings import Finding, rank
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.machine.display import ShownProgress, showing

__all__ = ["TINY_AREA", "BadImage", "Inspection", "SplitCounts", "inspect_task"]

TINY_AREA = 10  # pixels; an instance with fewer is tiny

# Checks of the annotations alone; each is a pure function of the task.
_CHECKS: tuple[Callable[[Task], list[Finding]], ...] = (
    check_splits.missing_splits,
    check_splits.small_splits,
    check_splits.same_sources,
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
        empty_images: images without an instance that can be prompted.
        instances: all instances, including crowd regions and empty masks.
        crowd: crowd regions, which are neither prompted nor scored.
        empty_masks: instances without a foreground pixel, which are neither prompted nor scored.
        tiny: instances of 1 to ``TINY_AREA - 1`` pixels, without crowd regions.
        at_border: instances that touch the border of the image, without crowd regions.
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


@dataclass(frozen=True, repr=False)
class Inspection:
    """The result of ``inspect_task``.

    Attributes:
        name: name of the task.
        root: its folder.
        format: how it was read.
        splits: split -> counts.
        widths: smallest and largest image width, pixels; None without images.
        heights: smallest and largest image height, pixels; None without images.
        areas: min, q05, q25, median, q75, q95, max of the areas of promptable instances, pixels; empty without any.
        decoded: True if the images were decoded. Otherwise the next four are empty.
        bad_images: number of images that cannot be used.
        first_bad: the first of them, in the order of the task.
        leaks: pairs of files with the same bytes in different splits; scores on them are too high.
        duplicates: pictures that repeat another, equal or alike, in different splits or in one.
        findings: problems, most serious first.
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

    def __repr__(self) -> str:
        images = ", ".join(f"{split} {counts.images}" for split, counts in self.splits.items()) or "none"
        return f"<Inspection of {self.name!r} ({self.format}): images {images}; {len(self.findings)} findings>"

    def to_dict(self) -> dict[str, Any]:
        """Return dicts, lists, numbers and strings, for JSON."""
        plain = asdict(self)
        for key in ("widths", "heights"):
            plain[key] = None if plain[key] is None else list(plain[key])
        plain["leaks"] = [list(pair) for pair in self.leaks]
        plain["duplicates"] = [duplicate.to_dict() for duplicate in self.duplicates]
        plain["findings"] = [finding.to_dict() for finding in self.findings]
        return plain


def inspect_task(task: AnyTask, decode_images: bool = True, progress: ShownProgress = True) -> Inspection:
    """Count the contents of a task, decode its images, and list its problems.

    Args:
        task: a task, or a path that ``load_task`` reads.
        decode_images: decode every image, to find damaged files and duplicates.
        progress: True shows a bar in a terminal or a notebook, False shows nothing. A function receives a ``Count`` of
            the stage "Reading" after each image, if images are decoded.

    Returns:
        The counts and the findings. A damaged image is reported there; it raises no error.
    """
    task = as_task(task)
    areas = [instance.area for record in task.images for instance in record.promptable]
    levels = LevelCheck()
    with showing(progress) as shown:
        bad, duplicates = read_images(task, shown, levels.look) if decode_images else ([], [])
    findings = [*task.findings, *(finding for check in _CHECKS for finding in check(task))]
    return Inspection(
        name=task.name,
        root=str(task.root),
        format=task.format,
        splits={split: _count(records, task.classes) for split, records in task.splits.items()},
        widths=_range([record.width for record in task.images]),
        heights=_range([record.height for record in task.images]),
        areas={name: float(np.quantile(areas, at)) for name, at in _QUANTILES.items()} if areas else {},
        decoded=decode_images,
        bad_images=len(bad),
        first_bad=bad[0] if bad else None,
        leaks=tuple((d.of, d.file) for d in duplicates if d.kind == "bytes" and d.split != d.of_split),
        duplicates=tuple(duplicates),
        findings=rank([*findings, *levels.findings(), *unreadable(bad), *duplicate_findings(duplicates)]),
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
