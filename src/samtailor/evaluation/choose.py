"""Choosing a part of a split for studies that ask many prompts of each instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samtailor.data.task import ImageRecord, Instance

__all__ = ["some_instances"]


def some_instances(
    images: Sequence[ImageRecord], limit: int | None, seed: int, whole: bool = False
) -> list[ImageRecord]:
    """At most ``limit`` promptable instances drawn uniformly (None: all), in records that hold no others.

    ``whole`` leaves out instances that a class map has answered piece by piece.
    """
    able = [[i for i in r.promptable if not whole or i.parts == 1] for r in images]
    places = [(k, i) for k, instances in enumerate(able) for i in range(len(instances))]
    if limit is not None and limit < len(places):
        chosen = np.random.default_rng([seed, len(places)]).permutation(len(places))[:limit]
        places = [places[k] for k in sorted(chosen)]
    kept: dict[int, list[Instance]] = {}
    for k, i in places:
        kept.setdefault(k, []).append(able[k][i])
    return [replace(images[k], instances=tuple(instances)) for k, instances in kept.items()]
