"""Validation during a fit: compare the adapted model's single mask with the truth, in image pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from samtailor.adapters.answer import AdaptedModel
from samtailor.fitting.batches import Draw
from samtailor.metrics import count_pixels, iou, mean_over_classes, mean_over_instances

__all__ = ["Validation", "token_scores", "validate"]


@dataclass(frozen=True)
class Validation:
    """Scores over the validation draws.

    Attributes:
        miou: mean over classes of the mean over instances.
        iou_instances: mean over instances.
        n: number of prompts.
        empty: share of the predicted masks that are empty.
    """

    miou: float
    iou_instances: float
    n: int
    empty: float = 0.0


def _nothing() -> None:
    """Check nothing."""


def token_scores(model: AdaptedModel, draws: Sequence[Draw], check: Callable[[], None] = _nothing) -> list[float]:
    """Score each mask token of the base on the draws: mIoU by token; ``check`` is called before each image."""
    scores: list[list[float]] = [[] for _ in range(model.base.mask_tokens)]
    labels = [i.label for draw in draws for i in draw.instances]
    for draw in draws:
        check()
        for answer in model.plain.answer(model.open(draw.image), draw.prompts, "all"):
            for masks, instance in zip(answer.masks, draw.instances[answer.rows], strict=True):
                for ious, mask in zip(scores, masks, strict=True):
                    ious.append(iou(count_pixels(mask, instance.mask())))
    return [mean_over_classes(ious, labels) for ious in scores]


def validate(model: AdaptedModel, draws: Sequence[Draw], check: Callable[[], None] = _nothing) -> Validation:
    """Score a model on the draws; ``check`` is called before each image and may raise to stop."""
    scores, labels, empty = [], [], 0
    for draw in draws:
        check()
        for answer in model.answer(model.open(draw.image), draw.prompts):
            for predicted, instance in zip(answer.masks[:, 0], draw.instances[answer.rows], strict=True):
                scores.append(iou(count_pixels(predicted, instance.mask())))
                empty += not predicted.any()
        labels += [i.label for i in draw.instances]
    return Validation(mean_over_classes(scores, labels), mean_over_instances(scores), len(scores), empty / len(scores))
