"""Choose part of a split for studies that send many prompts per instance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["drawn_part", "some_instances"]


def drawn_part(task: Task, split: str, limit: int | None, seed: int) -> Task:
    """Keep at most ``limit`` promptable instances of a split (None: all), and only the images that hold them.

    An instance is drawn by seed and id alone: the order of images does not matter, and a larger limit adds instances.

    Raises:
        DataError: the limit is below 1, or the split does not exist.
    """
    images = task.split(split)
    if limit is None:
        return task
    if limit < 1:
        raise DataError(f"The number of instances to score is {limit}.", "Give 1 or more, or None for all.")
    places = [(place, row, i.id) for place, r in enumerate(images) for row, i in enumerate(r.promptable)]
    kept: dict[int, list[int]] = {}
    for place, row, _ in sorted(places, key=lambda p: (_lot(seed, p[2]), p))[:limit]:
        kept.setdefault(place, []).append(row)
    part = [
        replace(images[place], instances=tuple(images[place].promptable[row] for row in sorted(kept[place])))
        for place in sorted(kept)
    ]
    return replace(task, splits={**task.splits, split: tuple(part) or images})


def _lot(seed: int, number: int) -> bytes:
    return hashlib.blake2b(f"{seed} {number}".encode(), digest_size=8).digest()


def some_instances(
    images: Sequence[ImageRecord], limit: int | None, seed: int, whole: bool = False
) -> list[ImageRecord]:
    """Draw at most ``limit`` promptable instances uniformly (None: all); return records that hold only these.

    ``whole=True`` leaves out instances that a class map answers piece by piece.
    """
    candidates = [[i for i in r.promptable if not whole or i.parts == 1] for r in images]
    places = [(image, row) for image, instances in enumerate(candidates) for row in range(len(instances))]
    if limit is not None and limit < len(places):
        drawn = np.random.default_rng([seed, len(places)]).permutation(len(places))[:limit]
        places = [places[k] for k in sorted(drawn)]
    kept: dict[int, list[Instance]] = {}
    for image, row in places:
        kept.setdefault(image, []).append(candidates[image][row])
    return [replace(images[image], instances=tuple(instances)) for image, instances in kept.items()]
