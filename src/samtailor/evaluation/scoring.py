"""Score base and adapted model on the instances of one image, with the same prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import ImageRecord, Instance
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.evaluation.classmap import pieces
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.evaluation.rows import ROWS, Answerer, answerers, own_mask
from samtailor.evaluation.truth import truth_of
from samtailor.metrics import Patch, count_patches, iou, outline_of
from samtailor.metrics.scores import MaskScores, score_patch
from samtailor.prompts import Prompts

__all__ = ["ROWS", "InstanceScore", "adapted_ious", "masks_of", "score_image"]

GROUP = 64
"""Instances of an image that are scored together; the true masks of more would fill the memory."""


@dataclass(frozen=True)
class InstanceScore:
    """Scores of one instance under one prompt, by row name; ``repeat`` counts the prompts of an instance from 0."""

    image: str
    instance: int
    label: str
    scores: dict[str, MaskScores]
    area: int = 0
    repeat: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> InstanceScore:
        scores = {
            name: MaskScores(**{**s, "boundary_f1": tuple(s["boundary_f1"])}) for name, s in row["scores"].items()
        }
        return cls(**{**row, "scores": scores})


def score_image(
    model: AdaptedModel, record: ImageRecord, plan: PromptPlan, base_rows: bool = True
) -> list[InstanceScore]:
    """Score each instance of an image with one prompt, or one per piece if a class map splits it.

    ``base_rows=False`` scores the adapted model alone; without an adapter, the base is always scored.
    """
    instances, image = record.promptable, model.open(record)
    scores: list[InstanceScore] = []
    for start in range(0, len(instances), GROUP):
        group = instances[start : start + GROUP]
        for instance, by_row in zip(group, _scores_of(model, image, group, plan, base_rows), strict=True):
            scores.append(
                InstanceScore(record.path.name, instance.id, instance.label, by_row, instance.area, plan.repeat)
            )
    return scores


def _scores_of(
    model: AdaptedModel, image: EmbeddedImage, instances: Sequence[Instance], plan: PromptPlan, base_rows: bool
) -> list[dict[str, MaskScores]]:
    """Score a few instances of an image: one dict per instance, by row name."""
    truths = [truth_of(instance) for instance in instances]
    outlines = [outline_of(truth) for truth in truths]
    scores: list[dict[str, MaskScores]] = [{} for _ in instances]
    prompted = _Prompted.of(instances, plan)
    for answerer in answerers(model, base_rows):
        for row, patches in prompted.answers(answerer, image):
            by_patch: dict[int, MaskScores] = {}  # several rows often chose the same mask
            for name, patch in patches.items():
                if id(patch) not in by_patch:
                    by_patch[id(patch)] = score_patch(patch, truths[row], outlines[row])
                scores[row][name] = by_patch[id(patch)]
    return scores


@dataclass(frozen=True)
class _Prompted:
    """Instances of an image with their prompts, which are the same for base and adapted model.

    Attributes:
        pieces: (position of the instance, what is prompted) for each prompt.
        prompts: (positions in ``pieces``, their prompts) for each kind of prompt.
    """

    pieces: list[tuple[int, Instance]]
    prompts: list[tuple[list[int], Prompts]]

    @classmethod
    def of(cls, instances: Sequence[Instance], plan: PromptPlan) -> _Prompted:
        prompted = [(row, piece) for row, instance in enumerate(instances) for piece in pieces(instance)]
        return cls(prompted, fixed_prompts([piece for _, piece in prompted], plan))

    def answers(self, answerer: Answerer, image: EmbeddedImage) -> Iterator[tuple[int, dict[str, Patch]]]:
        """Yield (position of the instance, row name -> mask) when all its pieces are answered, with masks united."""
        missing = Counter(row for row, _ in self.pieces)
        united: dict[int, dict[str, Patch]] = {}
        for places, prompts in self.prompts:
            for answer in answerer.model.answer(image, answerer.model.readable(prompts), answerer.masks):
                for number, place in enumerate(places[answer.rows]):
                    row, piece = self.pieces[place]
                    by_name = answerer.choose(answer, number, piece)
                    so_far = united.pop(row, None)
                    united[row] = by_name if so_far is None else {n: p | so_far[n] for n, p in by_name.items()}
                    missing[row] -= 1
                    if missing[row] == 0:
                        yield row, united.pop(row)


def adapted_ious(model: AdaptedModel, record: ImageRecord, seed: int) -> list[float]:
    """Compute the IoU of the adapted model alone, with one click for each instance of an image."""
    instances, ious = record.promptable, [0.0] * len(record.promptable)
    answerer = Answerer(model, "single", own_mask)
    for row, patches in _Prompted.of(instances, PromptPlan("click", seed)).answers(answerer, model.open(record)):
        ious[row] = iou(count_patches(patches["adapted"], truth_of(instances[row])))
    return ious


def masks_of(model: AdaptedModel, record: ImageRecord, instance: Instance, plan: PromptPlan) -> dict[str, np.ndarray]:
    """Return the masks (H, W) of one instance by row name: those that ``score_image`` scores."""
    all_masks: dict[str, np.ndarray] = {}
    image, prompted = model.open(record), _Prompted.of([instance], plan)
    for answerer in answerers(model):
        for _, patches in prompted.answers(answerer, image):
            all_masks |= {name: patch.whole() for name, patch in patches.items()}
    return all_masks
