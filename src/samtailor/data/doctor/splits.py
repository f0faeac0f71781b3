"""Checks of splits, classes and images, from the annotations alone. Pure functions of a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from samtailor.data.defaults import MIN_AREA
from samtailor.data.findings import Finding, Severity, listed, times
from samtailor.data.sources import source_name
from samtailor.data.task import SPLITS, ImageRecord, Task

__all__ = [
    "classes_in_splits",
    "dominant_class",
    "images_without",
    "missing_splits",
    "same_sources",
    "small_splits",
    "strips",
]

FEW = 20  # instances of a split
RARE = 5  # instances of a class
DOMINANT = 0.9  # of all instances
STRIP = 4  # longer side / shorter side

_WITHOUT_SPLIT: dict[str, tuple[Severity, str]] = {
    "train": ("error", "there is nothing to fit on"),
    "val": ("error", "fit cannot choose the best adapter"),
    "test": ("warning", "the gain of an adapter cannot be measured"),
}

_UNSCORED = {
    "val": "without an instance in val: the choice of the best adapter does not look at them, and may harm them",
    "test": "without an instance in test: no score says how good an adapter is on them",
}

_FEW_IN_SPLIT = {
    "train": "an adapter learns little from so few",
    "val": "the choice of the best adapter depends on chance",
    "test": "differences between scores are noise",
}


def missing_splits(task: Task) -> list[Finding]:
    """Find splits without images, and splits without an instance that can be prompted (train: trained on)."""
    findings = []
    for split in SPLITS:
        records = task.splits.get(split, ())
        severity, harm = _WITHOUT_SPLIT[split]
        if not records:
            what = f"Split {split} has no image: {harm}."
            hint = f"Add images to {task.root}. Or pass one folder or file without splits, and samtailor splits it."
            if len(task.images) < len(SPLITS):
                hint = f"{times(len(task.images), 'image')} cannot fill three splits: add images, 10 or more in all."
            findings.append(Finding(severity, "missing-split", what, (), 1, hint))
        elif not any(_usable(record, split) for record in records):
            size = f" of at least {MIN_AREA} pixels" if split == "train" else ""
            what = f"Split {split} has {times(len(records), 'image')} and no instance{size}: {harm}."
            hint = "Check that the masks were read: their values and class names."
            findings.append(Finding(severity, "nothing-to-train-on", what, _paths(records), len(records), hint))
    return findings


def same_sources(task: Task) -> list[Finding]:
    """Find augmented copies of one picture in two splits, by their names."""
    first: dict[str, str] = {}
    copies: list[tuple[ImageRecord, str, str]] = []
    for split, records in task.splits.items():
        for record in records:
            source = source_name(record.path.stem)
            other = first.setdefault(source, split)
            if other != split:
                copies.append((record, split, other))
    copies = [copy for copy in copies if source_name(copy[0].path.stem) != copy[0].path.stem]
    if not copies:
        return []
    record, split, other = copies[0]
    what = (
        f"{times(len(copies), 'image is an augmented copy', 'images are augmented copies')} of a picture in another "
        f"split, by the name; the first: {record.path.name} ({split}), with a copy in {other}. Scores on them are too "
        "high."
    )
    pattern = "([^/]+)\\.rf\\." if ".rf." in record.path.name else "([^/]+?)_aug"
    hint = f"Keep all copies of a picture in one split, such as with --split-by '{pattern}'."
    return [Finding("warning", "augmented-copies", what, _paths([r for r, _, _ in copies]), len(copies), hint)]


def small_splits(task: Task) -> list[Finding]:
    """Find splits with few instances."""
    findings = []
    for split in SPLITS:
        count = sum(_usable(record, split) for record in task.splits.get(split, ()))
        if 0 < count < FEW:
            what = f"Split {split} has {times(count, 'instance')}: {_FEW_IN_SPLIT[split]}."
            hint = f"Use at least {FEW} instances; 50 or more is better."
            findings.append(Finding("warning", "few-instances", what, (), count, hint))
    return findings


def classes_in_splits(task: Task) -> list[Finding]:
    """Find classes that are missing from a split but occur in another, and classes that are rare in train."""
    counts = {split: _count(task.splits.get(split, ())) for split in SPLITS if task.splits.get(split)}
    used = [c for c in task.classes if any(count[c] for count in counts.values())]
    findings: list[Finding] = []
    if "train" in counts:
        train = counts["train"]
        findings += _about_classes(
            "warning",
            "class-not-in-train",
            [c for c in used if not train[c]],
            "without an instance in train: scored, but never trained on; each counts in miou like any other class",
            "Move some images with the class to train, or remove the class.",
        )
        findings += _about_classes(
            "note",
            "rare-class",
            [c for c in used if 0 < train[c] < RARE],
            f"with fewer than {RARE} instances in train; in miou each counts as much as the largest class",
            "Add examples, merge classes, or read iou_instances as well as miou.",
        )
    for split in ("val", "test"):
        if split in counts and len(used) > 1:
            findings += _about_classes(
                "note",
                "class-not-scored",
                [c for c in used if not counts[split][c]],
                _UNSCORED[split],
                f"Move some images with the class to {split}.",
            )
    return findings


def dominant_class(task: Task) -> list[Finding]:
    """Find one class of several that has nearly all instances."""
    counts = _count(task.images)
    total = counts.total()
    if len(counts) < 2:
        return []
    (name, count), *_ = counts.most_common(1)
    if count < DOMINANT * total:
        return []
    what = (
        f"Class {name} has {count / total:.0%} of the instances ({count} of {total}): it decides iou_instances, but "
        "in miou it counts only as much as the smallest class."
    )
    return [Finding("note", "one-class-rules", what, (), count, "Read both scores, and the table per class.")]


def images_without(task: Task) -> list[Finding]:
    """Find images without instances, and images with crowd regions only."""
    bare = [r for r in task.images if not r.instances]
    crowded = [r for r in task.images if r.instances and all(i.crowd for i in r.instances)]
    findings = []
    if crowded:
        what = f"{times(len(crowded), 'image')} with crowd regions only, which are neither prompted nor scored."
        hint = "To use these images, draw a mask for each object."
        findings.append(Finding("note", "crowd-only", what, _paths(crowded), len(crowded), hint))
    if bare:
        what = f"{times(len(bare), 'image')} without an instance: encoded, but not used."
        hint = "Correct if the images show no object. Otherwise a mask is missing."
        findings.append(Finding("note", "no-instances", what, _paths(bare), len(bare), hint))
    return findings


def strips(task: Task) -> list[Finding]:
    """Find images much longer than wide, which fill little of the base's square input."""
    records = [r for r in task.images if _elongation(r) > STRIP]
    if not records:
        return []
    longest = max(records, key=_elongation)
    what = (
        f"{times(len(records), 'image')} more than {STRIP} times as long as wide (up to {longest.width} x "
        f"{longest.height}): most of the base's square input is empty."
    )
    return [Finding("note", "strip", what, _paths(records), len(records), "Cut the images into squarer tiles.")]


def _elongation(record: ImageRecord) -> float:
    """Longer side / shorter side."""
    return max(record.width, record.height) / min(record.width, record.height)


def _usable(record: ImageRecord, split: str) -> int:
    return sum(i.area >= (MIN_AREA if split == "train" else 1) for i in record.promptable)


def _count(records: Iterable[ImageRecord]) -> Counter[str]:
    return Counter(instance.label for record in records for instance in record.promptable)


def _paths(records: Iterable[ImageRecord]) -> tuple[str, ...]:
    return tuple(str(record.path) for record in records)


def _about_classes(severity: Severity, code: str, names: list[str], what: str, hint: str) -> list[Finding]:
    if not names:
        return []
    number = times(len(names), "class", "classes")
    return [Finding(severity, code, f"{number} {what} ({listed(names, 6)}).", (), len(names), hint)]
