"""Evaluate an adapter on a task with other class names or coarser classes: ``eyes=left_eye+right_eye``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pycocotools import mask as coco_mask
from scipy.ndimage import label

from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.errors import DataError
from samtailor.machine.text import did_you_mean

__all__ = ["apply_map", "parse_map", "pieces"]

SPECK = 0.05  # of the mask: smaller components are not prompted
_MERGED_STRIDE = 10**15
_PIECE_STRIDE = 10**12  # keeps the ids of pieces apart from those of instances


def parse_map(entries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Parse ``["eyes=left_eye+right_eye"]`` to ``{"eyes": ("left_eye", "right_eye")}``.

    Raises:
        DataError: an entry has another form, or a name occurs twice.
    """
    mapping: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        left, sign, right = (part.strip() for part in entry.partition("="))
        names = tuple(name.strip() for name in right.split("+"))
        if not sign or not left or not all(names):
            raise DataError(
                f"The class map {entry!r} cannot be read.", "Expected NAME=NAME or NAME=NAME+NAME, such as eyes=eye."
            )
        if left in mapping:
            raise DataError(f"The class map names {left!r} twice.", "Write one entry per class.")
        mapping[left] = names
    return mapping


def apply_map(task: Task, mapping: dict[str, tuple[str, ...]]) -> Task:
    """Keep only the mapped classes of a task.

    For ``left=a+b``, if the task has the class ``left``, each of its instances gets one prompt in each of its largest
    components, as many as there are names on the right, and the union of the answers is scored. If the task has ``a``
    and ``b`` instead, their masks on an image become one instance ``left``.

    Raises:
        DataError: the task has neither side of an entry.
    """
    split_up = {left: len(names) for left, names in mapping.items() if left in task.classes}
    merged = {left: names for left, names in mapping.items() if left not in split_up}
    for left, names in merged.items():
        lacking = [name for name in names if name not in task.classes]
        if lacking:
            raise DataError(
                f"Task {task.name!r} has no class {left!r}, nor {', '.join(map(repr, lacking))} to make it from; "
                f"it has {', '.join(task.classes)}.{did_you_mean(lacking[0], task.classes)}",
                "Write --map as TASK_CLASS=ADAPTER_CLASS+ADAPTER_CLASS, or NEW_NAME=TASK_CLASS+TASK_CLASS.",
            )
    splits = {
        name: tuple(replace(r, instances=tuple(_mapped(r, split_up, merged))) for r in records)
        for name, records in task.splits.items()
    }
    return replace(task, classes=tuple(mapping), splits=splits)


def _mapped(record: ImageRecord, split_up: dict[str, int], merged: dict[str, tuple[str, ...]]) -> list[Instance]:
    instances = [replace(i, parts=split_up[i.label]) for i in record.instances if i.label in split_up]
    for turn, (left, names) in enumerate(merged.items(), 1):
        members = [i for i in record.promptable if i.label in names]
        if members:
            rle = coco_mask.merge([i.rle for i in members])
            parts = len(members)
            merged_id = turn * _MERGED_STRIDE + min(abs(i.id) for i in members)  # an instance may be in several classes
            instances.append(Instance(merged_id, left, rle, int(coco_mask.area(rle)), parts=parts))
    return instances


def pieces(instance: Instance) -> tuple[Instance, ...]:
    """Return what is prompted for an instance: itself, or its ``parts`` largest components, each as an instance."""
    if instance.parts == 1:
        return (instance,)
    components, count = label(instance.mask(), structure=np.ones((3, 3)))
    areas = np.bincount(components.ravel(), minlength=count + 1)[1:]
    kept = [k for k in np.argsort(-areas, kind="stable")[: instance.parts] if areas[k] >= SPECK * areas.sum()]
    kept = kept or [int(areas.argmax())]
    components_as_instances = []
    for turn, k in enumerate(kept):
        rle = coco_mask.encode(np.asfortranarray(components == k + 1, dtype=np.uint8))
        piece_id = abs(instance.id) + turn * _PIECE_STRIDE
        components_as_instances.append(Instance(piece_id, instance.label, rle, int(areas[k])))
    return tuple(components_as_instances)
