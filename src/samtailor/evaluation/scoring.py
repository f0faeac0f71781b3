"""Score base and adapted model on the instances of one image, with the same prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.base import MaskChoice
from samtailor.data.task import ImageRecord, Instance
from samtailor.evaluation.classmap import pieces
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.metrics import Boundary, boundary_of, count_pixels, iou
from samtailor.metrics.scores import MaskScores, score_mask

__all__ = ["ROWS", "InstanceScore", "adapted_ious", "masks_of", "score_image"]

ROWS = ("base-single", "base-best", "base-oracle", "adapted")
"""Ways to answer a prompt that are scored, in the order of tables; the last needs an adapter."""

_Chooser = Callable[[np.ndarray, np.ndarray, Instance], dict[str, np.ndarray]]
"""From the masks (M, H, W) of one answer, their IoU estimates (M,) and the prompted instance to row name -> mask."""


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
    instances = record.promptable
    outlines: dict[int, Boundary] = {}
    scores: list[dict[str, MaskScores]] = [{} for _ in instances]
    passes: list[tuple[AdaptedModel, _Chooser]] = []
    if base_rows or model.adapter is None:
        passes.append((model.plain, _base_masks))
    if model.adapter is not None:
        passes.append((model, _adapted_mask))
    for scored, choose in passes:
        for row, masks in _answers(scored, record, instances, choose, plan):
            truth = instances[row].mask()
            if row not in outlines:
                outlines[row] = boundary_of(truth)
            scores[row] |= {name: score_mask(mask, truth, outlines[row]) for name, mask in masks.items()}
    return [
        InstanceScore(record.path.name, i.id, i.label, s, i.area, plan.repeat)
        for i, s in zip(instances, scores, strict=True)
    ]


def _answers(
    model: AdaptedModel, record: ImageRecord, instances: Sequence[Instance], choose: _Chooser, plan: PromptPlan
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield (position of the instance, row name -> mask) when all its pieces are answered; their masks are united."""
    image = model.open(record)
    masks_to_return: MaskChoice = "all" if model.adapter is None else "single"
    prompted = [(row, piece) for row, instance in enumerate(instances) for piece in pieces(instance)]
    missing = np.bincount([row for row, _ in prompted], minlength=len(instances))
    united: dict[int, dict[str, np.ndarray]] = {}
    for places, prompts in fixed_prompts([piece for _, piece in prompted], plan):
        for answer in model.answer(image, prompts, masks_to_return):
            for place, masks, estimates in zip(places[answer.rows], answer.masks, answer.iou, strict=True):
                row, piece = prompted[place]
                by_name = choose(masks, estimates, piece)
                so_far = united.pop(row, None)
                united[row] = by_name if so_far is None else {n: mask | so_far[n] for n, mask in by_name.items()}
                missing[row] -= 1
                if missing[row] == 0:
                    yield row, united.pop(row)


def _base_masks(masks: np.ndarray, estimates: np.ndarray, prompted: Instance) -> dict[str, np.ndarray]:
    """Choose from ``masks`` (M, H, W): the single mask first, then the alternatives for an ambiguous prompt."""
    truth = prompted.mask()
    oracle = max(masks[1:], key=lambda mask: iou(count_pixels(mask, truth)))
    return {"base-single": masks[0], "base-best": masks[1 + int(estimates[1:].argmax())], "base-oracle": oracle}


def _adapted_mask(masks: np.ndarray, _estimates: np.ndarray, _prompted: Instance) -> dict[str, np.ndarray]:
    return {"adapted": masks[0]}


def adapted_ious(model: AdaptedModel, record: ImageRecord, seed: int) -> list[float]:
    """Compute the IoU of the adapted model alone, with one click for each instance of an image."""
    instances = record.promptable
    answers = _answers(model, record, instances, _adapted_mask, PromptPlan("click", seed))
    return [iou(count_pixels(masks["adapted"], instances[row].mask())) for row, masks in answers]


def masks_of(model: AdaptedModel, record: ImageRecord, instance: Instance, plan: PromptPlan) -> dict[str, np.ndarray]:
    """Return the masks (H, W) of one instance by row name: those that ``score_image`` scores."""
    all_masks: dict[str, np.ndarray] = {}
    passes: tuple[tuple[AdaptedModel, _Chooser], ...] = ((model.plain, _base_masks), (model, _adapted_mask))
    for scored, choose in passes:
        for _, masks in _answers(scored, record, [instance], choose, plan):
            all_masks |= masks
    return all_masks
