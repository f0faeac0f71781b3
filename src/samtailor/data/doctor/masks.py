"""Checks of masks: empty, full, drawn twice, too small, in many pieces, or boxes. Pure functions of a task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.defaults import GRID_CELLS, MIN_AREA
from samtailor.data.findings import Finding, Severity, listed, times
from samtailor.data.pixels.pieces import count_pieces
from samtailor.data.task import RECTANGLES, ImageRecord, Instance, Task
from samtailor.metrics.extent import mask_extent

__all__ = ["boxes", "empty_masks", "full_masks", "same_masks", "small", "speckles", "thin"]

FULL = 0.99  # of the image
PIECES = 20
BOX_AREA = 100  # pixels; below, a disc nearly fills its box too
BOX_FILL = 0.98
BOX_SHARE = 0.5  # of the masks of a class
BOX_MIN = 5  # masks of a class
MANY = 0.1  # of all instances: from this share on, a note becomes a warning

_Pairs = list[tuple[ImageRecord, Instance]]

_BOXES_HINT = (
    "If the objects are not upright rectangles, draw real masks, first for the test split. Otherwise an adapter learns "
    "to answer with boxes, and its scores reward that."
)


def empty_masks(task: Task) -> list[Finding]:
    """Find instances without a pixel."""
    pairs = [(r, i) for r in task.images for i in r.instances if i.area == 0 and not i.crowd]
    what = f"{times(len(pairs), 'instance')} without a pixel: neither prompted nor scored."
    return _finding("warning", "empty-mask", what, pairs, "Draw the mask again, or delete the annotation.")


def full_masks(task: Task) -> list[Finding]:
    """Find instances that cover the whole image."""
    pairs = [(r, i) for r, i in _promptable(task) if i.area >= FULL * r.width * r.height]
    what = (
        f"{times(len(pairs), 'mask')} over {FULL:.0%} or more of the image: the background may be marked as an object."
    )
    hint = "Look at them. Delete masks of the background, or swap the mask values. A close-up may be correct."
    return _finding(_by_share(pairs, task), "full-mask", what, pairs, hint)


def same_masks(task: Task) -> list[Finding]:
    """Find masks that equal another mask of the same image, whatever their classes."""
    pairs: _Pairs = []
    other_class = 0
    for record in task.images:
        label_of: dict[object, str] = {}
        for instance in record.promptable:
            counts = instance.rle["counts"]
            if counts in label_of:
                pairs.append((record, instance))
                other_class += label_of[counts] != instance.label
            label_of.setdefault(counts, instance.label)
    what = f"{times(len(pairs), 'mask')} equal to another mask of the same image, {other_class} of another class."
    hint = "Delete one mask of each pair: an object drawn twice counts twice."
    return _finding("warning", "same-mask", what, pairs, hint)


def small(task: Task) -> list[Finding]:
    """Find instances too small to be trained on."""
    pairs = [(r, i) for r, i in _promptable(task) if i.area < MIN_AREA]
    what = f"{_share(pairs, task)} below {MIN_AREA} pixels: scored, but not trained on."
    hint = "If they are speckles, clean the masks. If they are objects, cut the images into tiles and enlarge those."
    return _finding(_by_share(pairs, task), "small", what, pairs, hint)


def thin(task: Task) -> list[Finding]:
    """Find instances narrower than one embedding cell, except those that are too small anyway."""
    pairs: _Pairs = []
    for record in task.images:
        instances = [i for i in record.promptable if i.area >= MIN_AREA]
        cell = max(record.width, record.height) / GRID_CELLS
        pairs += [(record, i) for i, box in zip(instances, _boxes(instances), strict=True) if box[2:].min() < cell]
    what = (
        f"{_share(pairs, task)} narrower than one embedding cell (longer side of the image / {GRID_CELLS}): hard to "
        "segment."
    )
    hint = "If these objects matter, cut the images into tiles and enlarge those."
    return _finding(_by_share(pairs, task), "thin", what, pairs, hint)


def speckles(task: Task) -> list[Finding]:
    """Find instances in many pieces."""
    pairs: _Pairs = []
    for record, instance in _promptable(task):
        if len(instance.rle["counts"]) <= 2 * PIECES:  # at least one character per run: too few runs for so many pieces
            continue
        mask = instance.mask()
        if count_pieces(mask[mask_extent(mask).window], enough=PIECES) > PIECES:
            pairs.append((record, instance))
    what = (
        f"{times(len(pairs), 'mask')} of more than {PIECES} separate pieces: speckles, or several objects in one mask."
    )
    hint = "Remove the speckles, or make one instance for each object."
    return _finding(_by_share(pairs, task), "speckles", what, pairs, hint)


def boxes(task: Task) -> list[Finding]:
    """Find classes whose masks look like filled boxes."""
    if RECTANGLES in task.format:
        pairs = list(_promptable(task))
        some = re.search(rf"(\d+) of \d+ instances are {RECTANGLES}", task.format)
        number = f"{some[1]} of {len(pairs)}" if some else f"All {len(pairs)}"
        what = f"{number} masks are filled boxes: scores compare answers with rectangles."
        return _finding("warning", "boxes", what, pairs, _BOXES_HINT)
    large, filled = Counter[str](), Counter[str]()
    by_class: dict[str, _Pairs] = {}
    for record in task.images:
        instances = [i for i in record.promptable if i.area > BOX_AREA]
        for instance, box in zip(instances, _boxes(instances), strict=True):
            large[instance.label] += 1
            if instance.area > BOX_FILL * box[2] * box[3]:
                filled[instance.label] += 1
                by_class.setdefault(instance.label, []).append((record, instance))
    boxed = [c for c in task.classes if filled[c] >= BOX_MIN and filled[c] >= BOX_SHARE * large[c]]
    shares = listed([f"{c} {filled[c]} of {large[c]}" for c in boxed], 4)
    pairs = [pair for c in boxed for pair in by_class[c]]
    what = f"Masks of {times(len(boxed), 'class', 'classes')} look like boxes (above {BOX_AREA} pixels: {shares})."
    return _finding("warning", "boxes", what, pairs, _BOXES_HINT)


def _promptable(task: Task) -> Iterable[tuple[ImageRecord, Instance]]:
    return ((record, instance) for record in task.images for instance in record.promptable)


def _boxes(instances: list[Instance]) -> np.ndarray:
    """Return bounding boxes (N, 4): x, y, width, height, in pixels."""
    if not instances:
        return np.zeros((0, 4))
    return np.asarray(coco_mask.toBbox([i.rle for i in instances]))


def _total(task: Task) -> int:
    return sum(len(record.promptable) for record in task.images)


def _share(pairs: _Pairs, task: Task) -> str:
    total = max(_total(task), 1)
    return f"{times(len(pairs), 'instance')} of {total} ({len(pairs) / total:.1%})"


def _by_share(pairs: _Pairs, task: Task) -> Severity:
    return "warning" if len(pairs) >= MANY * max(_total(task), 1) else "note"


def _finding(severity: Severity, code: str, what: str, pairs: _Pairs, hint: str) -> list[Finding]:
    files = tuple(dict.fromkeys(str(record.path) for record, _ in pairs))
    return [Finding(severity, code, what, files, len(pairs), hint)] if pairs else []
