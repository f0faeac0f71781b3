"""Choose the rules for seeds and merging on the val split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from samtailor.automatic.finder import Candidate, Finder
from samtailor.automatic.matching import match_image, segmentation_accuracy
from samtailor.automatic.merge import MergeRules, merge
from samtailor.data.task import ImageRecord
from samtailor.machine.progress import Progress, counted, silent
from samtailor.metrics import Patch, count_patches, iou

__all__ = ["Answered", "accuracy", "answer_image", "best_ious", "tuned"]

DEPTHS, FOREGROUNDS, DISTANCES = (0.2, 0.35, 0.5), (0.3, 0.6), (3.0,)
SCORES, OVERLAPS = tuple(round(0.2 + 0.05 * k, 2) for k in range(15)), (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Answered:
    """An image with the answers to all its seeds.

    Attributes:
        candidates: one for each seed.
        classes: (n,) of the seeds.
        truths: class -> true masks.
    """

    candidates: list[Candidate]
    classes: np.ndarray
    truths: dict[int, list[Patch]]


def answer_image(finder: Finder, record: ImageRecord) -> Answered:
    """Answer the seeds of an image of the task."""
    image = finder.model.open(record)
    proposals = finder.propose(image)
    seeds = finder.seeds_of(image, proposals)
    places = {name: k for k, name in enumerate(finder.classes)}
    truths: dict[int, list[Patch]] = {}
    for instance in record.promptable:
        if instance.label in places:
            truths.setdefault(places[instance.label], []).append(Patch.of(instance.mask()))
    return Answered(finder.answer(image, proposals, seeds), seeds.classes, truths)


def accuracy(answered: Sequence[Answered], scores: Sequence[np.ndarray], rules: MergeRules) -> float:
    """Compute the mean segmentation accuracy over classes and images that have or were given instances."""
    values = []
    for one, own in zip(answered, scores, strict=True):
        kept = merge([c.patch for c in one.candidates], own, one.classes, rules)
        for k in sorted({*one.truths, *one.classes[kept].tolist()}):
            found = [one.candidates[j].patch for j in kept if one.classes[j] == k]
            value = segmentation_accuracy(match_image(found, one.truths.get(k, [])))
            if value is not None:
                values.append(value)
    return float(np.mean(values)) if values else 0.0


def best_ious(answered: Answered) -> np.ndarray:
    """Return the IoU of each candidate with the instance of its class that it covers best, (n,); 0 without one."""
    ious = [
        max((iou(count_patches(c.patch, truth)) for truth in answered.truths.get(int(k), [])), default=0.0)
        for c, k in zip(answered.candidates, answered.classes, strict=True)
    ]
    return np.array(ious, dtype=np.float32)


def tuned(finder: Finder, images: Sequence[ImageRecord], progress: Progress = silent) -> tuple[Finder, float]:
    """Return a finder with the rules that score best on some images, and its mean segmentation accuracy.

    The seeds of the loosest rules are answered once; stricter rules take those of them that they allow.

    Args:
        finder: with head and quality.
        images: of the val split.
        progress: receives a ``Count`` after each image.
    """
    loose = replace(finder.seeds, depth=DEPTHS[0], foreground=FOREGROUNDS[0], distance=DISTANCES[0])
    asked = replace(finder, seeds=loose)
    answered = [answer_image(asked, record) for record in counted(images, "Choosing rules on val", progress)]
    best, best_score = finder, -1.0
    for depth, foreground in product(DEPTHS, FOREGROUNDS):
        parts = [_part(one, depth, foreground) for one in answered]
        scores = [finder.scores(one.candidates) for one in parts]
        for score, overlap in product(SCORES, OVERLAPS):
            value = accuracy(parts, scores, MergeRules(score, overlap))
            if value > best_score:
                rules = replace(loose, depth=depth, foreground=foreground)
                best, best_score = replace(finder, seeds=rules, merging=MergeRules(score, overlap)), value
    return best, best_score


def _part(answered: Answered, depth: float, foreground: float) -> Answered:
    """Keep the candidates whose seeds stricter rules allow."""
    kept = [k for k, c in enumerate(answered.candidates) if c.seed_depth >= depth and c.seed_foreground >= foreground]
    return Answered([answered.candidates[k] for k in kept], answered.classes[kept], answered.truths)
