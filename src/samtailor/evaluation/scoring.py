"""Scores of base and adapted model on the instances of one image, under the same prompts."""

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
        for row, drawn in _answers(scored, record, instances, choose, plan):
            truth = instances[row].mask()
            if row not in outlines:
                outlines[row] = boundary_of(truth)
            scores[row] |= {name: score_mask(mask, truth, outlines[row]) for name, mask in drawn.items()}
    return [
        InstanceScore(record.path.name, i.id, i.label, s, i.area, plan.repeat)
        for i, s in zip(instances, scores, strict=True)
    ]


def _answers(
    model: AdaptedModel, record: ImageRecord, instances: Sequence[Instance], choose: _Chooser, plan: PromptPlan
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield (position of the instance, row name -> mask) when all pieces are answered; masks of pieces are united."""
    image = model.open(record)
    masks_to_return: MaskChoice = "all" if model.adapter is None else "single"
    owned = [(row, piece) for row, instance in enumerate(instances) for piece in pieces(instance)]
    missing = np.bincount([row for row, _ in owned], minlength=len(instances))
    united: dict[int, dict[str, np.ndarray]] = {}
    for rows, prompts in fixed_prompts([piece for _, piece in owned], plan):
        for answer in model.answer(image, prompts, masks_to_return):
            for place, masks, own in zip(rows[answer.rows], answer.masks, answer.iou, strict=True):
                row, piece = owned[place]
                drawn = choose(masks, own, piece)
                so_far = united.pop(row, None)
                united[row] = drawn if so_far is None else {m: mask | so_far[m] for m, mask in drawn.items()}
                missing[row] -= 1
                if missing[row] == 0:
                    yield row, united.pop(row)


def _base_masks(masks: np.ndarray, own: np.ndarray, prompted: Instance) -> dict[str, np.ndarray]:
    """``masks`` (4, H, W): the single mask, then the three of the ambiguous answer."""
    truth = prompted.mask()
    oracle = max(masks[1:], key=lambda mask: iou(count_pixels(mask, truth)))
    return {"base-single": masks[0], "base-best": masks[1 + int(own[1:].argmax())], "base-oracle": oracle}


def _adapted_mask(masks: np.ndarray, _own: np.ndarray, _prompted: Instance) -> dict[str, np.ndarray]:
    return {"adapted": masks[0]}


def adapted_ious(model: AdaptedModel, record: ImageRecord, seed: int) -> list[float]:
    """Compute the IoU of the adapted model alone, with one click for each instance of an image."""
    instances = record.promptable
    answers = _answers(model, record, instances, _adapted_mask, PromptPlan("click", seed))
    return [iou(count_pixels(drawn["adapted"], instances[row].mask())) for row, drawn in answers]


def masks_of(model: AdaptedModel, record: ImageRecord, instance: Instance, plan: PromptPlan) -> dict[str, np.ndarray]:
    """Return the masks (H, W) of one instance by row name: those that ``score_image`` scores."""
    masks: dict[str, np.ndarray] = {}
    passes: tuple[tuple[AdaptedModel, _Chooser], ...] = ((model.plain, _base_masks), (model, _adapted_mask))
    for scored, choose in passes:
        for _, drawn in _answers(scored, record, [instance], choose, plan):
            masks |= drawn
    return masks
