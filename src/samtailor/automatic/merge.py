"""Keep one mask of each instance: by score, with a limit on overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from samtailor.metrics import Patch, count_patches

__all__ = ["MergeRules", "merge"]


@dataclass(frozen=True)
class MergeRules:
    """Rules for merging; ``samtailor.automatic.tuning`` chooses them on the val split.

    Attributes:
        score: masks with a lower score are left out.
        overlap: a mask is left out if this share of it, or of a better mask, is in both.
    """

    score: float = 0.5
    overlap: float = 0.5


def merge(patches: Sequence[Patch], scores: np.ndarray, classes: np.ndarray, rules: MergeRules) -> list[int]:
    """Choose masks, the best first; masks of different classes do not compete.

    Args:
        patches: n masks.
        scores: (n,).
        classes: (n,) int.
        rules: limits.

    Returns:
        Positions of the chosen masks, by falling score.
    """
    order = [k for k in np.argsort(-scores, kind="stable").tolist() if scores[k] >= rules.score]
    kept: list[int] = []
    for k in order:
        area = int(patches[k].pixels.sum())
        if not area:
            continue
        rivals = (j for j in kept if classes[j] == classes[k])
        if not any(_overlap(patches[k], area, patches[j]) > rules.overlap for j in rivals):
            kept.append(k)
    return kept


def _overlap(one: Patch, area: int, other: Patch) -> float:
    """Return the share of the smaller mask that is in both."""
    counts = count_patches(one, other)
    return counts.tp / min(area, int(other.pixels.sum()))
