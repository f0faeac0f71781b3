"""What may be wrong with masks: empty, full, drawn twice, too small, in crumbs, or boxes. Pure functions of a task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.doctor.findings import Finding, Severity, times
from samtailor.data.pixels.pieces import count_pieces
from samtailor.data.task import RECTANGLES, ImageRecord, Instance, Task
from samtailor.metrics.extent import mask_extent

__all__ = ["boxes", "empty_masks", "full_masks", "same_masks", "small", "speckles", "thin"]

TRAINED_AREA = 16  # pixels; fit leaves out instances below
CELLS = 64  # embedding cells along the longer side of an image
FULL = 0.99  # of the image
PIECES = 20
BOX_AREA = 100  # pixels; below, a disc nearly fills its box too
BOX_FILL = 0.98
BOX_SHARE = 0.5  # of the masks of a class
BOX_MIN = 5  # masks of a class
MANY = 0.1  # of all instances: from there a note is a warning

_Found = list[tuple[ImageRecord, Instance]]


def empty_masks(task: Task) -> list[Finding]:
    """Instances without a pixel."""
    found = [(r, i) for r in _records(task) for i in r.instances if i.area == 0 and not i.crowd]
    what = f"{times(len(found), 'instance')} without a pixel; neither prompted nor scored."
    return _finding("warning", "empty-mask", what, found, "Draw the mask again, or delete the annotation.")


def full_masks(task: Task) -> list[Finding]:
    """Instances over the whole image."""
    found = [(r, i) for r, i in _promptable(task) if i.area >= FULL * r.width * r.height]
    what = f"{times(len(found), 'mask')} over {FULL:.0%} or more of the image: is background marked as an object?"
    hint = "Look at them; delete what is no object, or swap mask values. An object may also fill a close-up."
    return _finding(_by_share(found, task), "full-mask", what, found, hint)


def same_masks(task: Task) -> list[Finding]:
    """Masks that stand twice on one image, pixel for pixel, whatever their class."""
    found: _Found = []
    other_class = 0
    for record in _records(task):
        first: dict[object, str] = {}
        for instance in record.promptable:
            counts = instance.rle["counts"]
            if counts in first:
                found.append((record, instance))
                other_class += first[counts] != instance.label
            first.setdefault(counts, instance.label)
    what = f"{times(len(found), 'mask')} equal to another mask of the same image, {other_class} of another class."
    return _finding("warning", "same-mask", what, found, "Delete one of each pair: an object drawn twice counts twice.")


def small(task: Task) -> list[Finding]:
    """Instances too small to be trained on."""
    found = [(r, i) for r, i in _promptable(task) if i.area < TRAINED_AREA]
    what = f"{_share(found, task)} below {TRAINED_AREA} pixels: scored, but not trained on."
    hint = "Speckles? Clean the masks. Real objects? Cut the images into tiles and enlarge those."
    return _finding(_by_share(found, task), "small", what, found, hint)


def thin(task: Task) -> list[Finding]:
    """Instances narrower than one embedding cell; those that are too small anyway left out."""
    found: _Found = []
    for record in _records(task):
        instances = [i for i in record.promptable if i.area >= TRAINED_AREA]
        cell = max(record.width, record.height) / CELLS
        found += [(record, i) for i, box in zip(instances, _boxes(instances), strict=True) if box[2:].min() < cell]
    what = f"{_share(found, task)} narrower than one embedding cell (longer side of the image / {CELLS}): hard to see."
    hint = "Cut the images into tiles and enlarge those, if these objects matter."
    return _finding(_by_share(found, task), "thin", what, found, hint)


def speckles(task: Task) -> list[Finding]:
    """Instances in many pieces."""
    found: _Found = []
    for record, instance in _promptable(task):
        if len(instance.rle["counts"]) <= 2 * PIECES:  # a character or more per run: too few runs for so many pieces
            continue
        mask = instance.mask()
        if count_pieces(mask[mask_extent(mask).window], enough=PIECES) > PIECES:
            found.append((record, instance))
    what = f"{times(len(found), 'mask')} of more than {PIECES} separate pieces: speckles, or many objects in one mask."
    hint = "Remove the speckles, or give each object its own instance."
    return _finding(_by_share(found, task), "speckles", what, found, hint)


def boxes(task: Task) -> list[Finding]:
    """Classes whose masks look like filled boxes."""
    if RECTANGLES in task.format:
        found = list(_promptable(task))
        some = re.search(rf"(\d+) of \d+ instances are {RECTANGLES}", task.format)
        who = f"{some[1]} of {len(found)}" if some else f"All {len(found)}"
        what = f"{who} masks are boxes, filled in when they were read: the truth is a rectangle."
        return _finding("warning", "boxes", what, found, _DRAW)
    large, filled = Counter[str](), Counter[str]()
    by_class: dict[str, _Found] = {}
    for record in _records(task):
        instances = [i for i in record.promptable if i.area > BOX_AREA]
        for instance, box in zip(instances, _boxes(instances), strict=True):
            large[instance.label] += 1
            if instance.area > BOX_FILL * box[2] * box[3]:
                filled[instance.label] += 1
                by_class.setdefault(instance.label, []).append((record, instance))
    chosen = [c for c in task.classes if filled[c] >= BOX_MIN and filled[c] >= BOX_SHARE * large[c]]
    listed = ", ".join(f"{c} {filled[c]} of {large[c]}" for c in chosen[:4]) + (", ..." if len(chosen) > 4 else "")
    found = [pair for c in chosen for pair in by_class[c]]
    what = f"Masks of {times(len(chosen), 'class', 'classes')} look like boxes (above {BOX_AREA} pixels: {listed})."
    return _finding("warning", "boxes", what, found, _DRAW)


_DRAW = (
    "If the objects are no upright rectangles, draw real masks, of the test split first: an adapter learns to answer "
    "with boxes, and is praised for it."
)


def _records(task: Task) -> Iterable[ImageRecord]:
    return (record for records in task.splits.values() for record in records)


def _promptable(task: Task) -> Iterable[tuple[ImageRecord, Instance]]:
    return ((record, instance) for record in _records(task) for instance in record.promptable)


def _boxes(instances: list[Instance]) -> np.ndarray:
    """(N, 4): x, y, width, height, pixels."""
    if not instances:
        return np.zeros((0, 4))
    return np.asarray(coco_mask.toBbox([i.rle for i in instances]))


def _total(task: Task) -> int:
    return sum(len(record.promptable) for record in _records(task))


def _share(found: _Found, task: Task) -> str:
    total = max(_total(task), 1)
    return f"{times(len(found), 'instance')} of {total} ({len(found) / total:.1%})"


def _by_share(found: _Found, task: Task) -> Severity:
    return "warning" if len(found) >= MANY * max(_total(task), 1) else "note"


def _finding(severity: Severity, code: str, what: str, found: _Found, hint: str) -> list[Finding]:
    files = tuple(dict.fromkeys(str(record.path) for record, _ in found))
    return [Finding(severity, code, what, files, len(found), hint)] if found else []
