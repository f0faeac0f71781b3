"""Choose part of a split for studies that send many prompts per instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samtailor.data.task import ImageRecord, Instance

__all__ = ["some_instances"]


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
