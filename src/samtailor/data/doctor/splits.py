"""What may be wrong with splits, classes and images, from the annotations alone. Pure functions of a task."""

from __future__ import annotations

from collections import Counter

from samtailor.data.doctor.findings import Finding, Severity, times
from samtailor.data.doctor.masks import TRAINED_AREA
from samtailor.data.task import SPLITS, ImageRecord, Task

__all__ = ["classes_in_splits", "dominant_class", "images_without", "missing_splits", "small_splits", "strips"]

FEW = 20  # instances of a split
RARE = 5  # instances of a class
DOMINANT = 0.9  # of all instances
STRIP = 4  # longer side to shorter side

_LACK: dict[str, tuple[Severity, str]] = {
    "train": ("error", "there is nothing to fit on"),
    "val": ("error", "fit cannot choose the best adapter"),
    "test": ("warning", "nothing says what an adapter gained"),
}


def missing_splits(task: Task) -> list[Finding]:
    """Splits without an image, or without an instance that can be prompted (in train: trained on)."""
    findings = []
    for split in SPLITS:
        records = task.splits.get(split, ())
        severity, harm = _LACK[split]
        if not records:
            what = f"Split {split} has no image: {harm}."
            hint = f"Add one to {task.root}, or leave the splitting to samtailor: one folder or file without splits."
            findings.append(Finding(severity, "missing-split", what, (), 1, hint))
        elif not any(_usable(record, split) for record in records):
            size = f" of at least {TRAINED_AREA} pixels" if split == "train" else ""
            what = f"Split {split} has {times(len(records), 'image')} and no instance{size}: {harm}."
            files = tuple(str(record.path) for record in records)
            findings.append(
                Finding(severity, "nothing-to-train-on", what, files, len(records), "Look whether masks were read.")
            )
    return findings


def small_splits(task: Task) -> list[Finding]:
    """Splits with few instances."""
    counts = {split: sum(_usable(record, split) for record in task.splits.get(split, ())) for split in SPLITS}
    few = {split: count for split, count in counts.items() if 0 < count < FEW}
    harms = {
        "train": "an adapter learns little from so few",
        "val": "the choice of the best adapter is a matter of luck",
        "test": "differences of scores are noise",
    }
    return [
        Finding(
            "warning",
            "few-instances",
            f"Split {split} has {times(count, 'instance')}: {harms[split]}.",
            (),
            count,
            f"Give it {FEW} or more; better several times that.",
        )
        for split, count in few.items()
    ]


def classes_in_splits(task: Task) -> list[Finding]:
    """Classes that are absent from a split while others have them, or are rare in train."""
    counts = {split: _count(task.splits.get(split, ())) for split in SPLITS if task.splits.get(split)}
    used = [c for c in task.classes if any(count[c] for count in counts.values())]
    findings: list[Finding] = []
    if "train" in counts:
        train = counts["train"]
        findings += _about_classes(
            "warning",
            "class-not-in-train",
            [c for c in used if not train[c]],
            "without an instance in train: it is scored and was never seen, and weighs in miou as much as any other",
            "Move some of its images to train, or take the class out.",
        )
        findings += _about_classes(
            "note",
            "rare-class",
            [c for c in used if 0 < train[c] < RARE],
            f"with fewer than {RARE} instances in train; in miou each weighs as much as the largest class",
            "Add examples, join classes, or read iou_instances beside miou.",
        )
    for split in ("val", "test"):
        if split in counts and len(used) > 1:
            findings += _about_classes(
                "note",
                "class-not-scored",
                [c for c in used if not counts[split][c]],
                f"without an instance in {split}: miou of {split} says nothing about it",
                f"Move some of its images to {split}.",
            )
    return findings


def dominant_class(task: Task) -> list[Finding]:
    """One class of several that holds nearly all instances."""
    counts = _count([record for records in task.splits.values() for record in records])
    total = counts.total()
    if len(counts) < 2:
        return []
    (name, count), *_ = counts.most_common(1)
    if count < DOMINANT * total:
        return []
    what = f"Class {name} holds {count / total:.0%} of the instances ({count} of {total}): iou_instances is its score "
    what += "alone, while in miou it weighs no more than the smallest class."
    return [Finding("note", "one-class-rules", what, (), count, "Read both figures, and the table per class.")]


def images_without(task: Task) -> list[Finding]:
    """Images without instances, and images with crowd regions only."""
    records = [record for records in task.splits.values() for record in records]
    bare = [r for r in records if not r.instances]
    crowded = [r for r in records if r.instances and all(i.crowd for i in r.instances)]
    findings = []
    if crowded:
        what = f"{times(len(crowded), 'image')} with crowd regions only; neither prompted nor scored."
        hint = "Draw the single objects, if these images are to count."
        findings.append(Finding("note", "crowd-only", what, _paths(crowded), len(crowded), hint))
    if bare:
        what = f"{times(len(bare), 'image')} without an instance; encoded and then not used."
        hint = "Right if nothing is there. If something is, its mask is missing."
        findings.append(Finding("note", "no-instances", what, _paths(bare), len(bare), hint))
    return findings


def strips(task: Task) -> list[Finding]:
    """Images that are much longer than wide: they fill little of the base's square input."""
    records = [record for records in task.splits.values() for record in records]
    found = [r for r in records if max(r.width, r.height) > STRIP * min(r.width, r.height)]
    if not found:
        return []
    worst = max(found, key=lambda r: max(r.width, r.height) / min(r.width, r.height))
    what = (
        f"{times(len(found), 'image')} more than {STRIP} times as long as wide (up to {worst.width} x {worst.height}): "
    )
    what += "the base sees a square, mostly empty here."
    return [Finding("note", "strip", what, _paths(found), len(found), "Cut them into squarer tiles.")]


def _usable(record: ImageRecord, split: str) -> int:
    return sum(i.area >= (TRAINED_AREA if split == "train" else 1) for i in record.promptable)


def _count(records: tuple[ImageRecord, ...] | list[ImageRecord]) -> Counter[str]:
    return Counter(instance.label for record in records for instance in record.promptable)


def _paths(records: list[ImageRecord]) -> tuple[str, ...]:
    return tuple(str(record.path) for record in records)


def _about_classes(severity: Severity, code: str, names: list[str], what: str, hint: str) -> list[Finding]:
    if not names:
        return []
    listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    number = times(len(names), "class", "classes")
    return [Finding(severity, code, f"{number} {what} ({listed}).", (), len(names), hint)]
