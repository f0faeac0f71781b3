"""All objects of a class in an image as one: what a class name alone means as a prompt."""

from __future__ import annotations

from dataclasses import replace

from pycocotools import mask as coco_mask

from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.machine.text import plain_name

__all__ = ["class_unions", "with_unions"]


def class_unions(record: ImageRecord) -> dict[str, Instance]:
    """Return the plain name of each class with a promptable instance in an image -> the union of its masks.

    Crowd regions are part of the union, and so are small instances. Labels with the same plain name are one class. The
    id is the smallest among the promptable instances.
    """
    groups: dict[str, list[Instance]] = {}
    for instance in record.promptable:
        groups.setdefault(plain_name(instance.label), []).append(instance)
    unions = {}
    for name, members in groups.items():
        masks = [i.rle for i in record.instances if i.area > 0 and plain_name(i.label) == name]
        rle = coco_mask.merge(masks)
        first = min(members, key=lambda i: abs(i.id))
        unions[name] = replace(first, rle=rle, area=int(coco_mask.area(rle)), parts=1)
    return unions


def with_unions(task: Task, split: str) -> Task:
    """Return a task in which each image of a split has one instance per class, the union of its masks.

    Raises:
        DataError: the split does not exist or holds no image.
    """
    records = tuple(replace(r, instances=tuple(class_unions(r).values())) for r in task.split(split))
    return replace(task, splits={**task.splits, split: records})
