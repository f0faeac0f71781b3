"""Choosing a part of a split for studies that ask many prompts of each instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samtailor.data.task import ImageRecord

__all__ = ["some_instances"]


def some_instances(images: Sequence[ImageRecord], limit: int | None, seed: int) -> list[ImageRecord]:
    """At most ``limit`` promptable instances drawn uniformly (None: all), in records that hold no others."""
    places = [(k, i) for k, record in enumerate(images) for i in range(len(record.promptable))]
    if limit is not None and limit < len(places):
        chosen = np.random.default_rng([seed, len(places)]).permutation(len(places))[:limit]
        places = [places[k] for k in sorted(chosen)]
    found = []
    for k, record in enumerate(images):
        kept = tuple(record.promptable[i] for j, i in places if j == k)
        if kept:
            found.append(replace(record, instances=kept))
    return found
