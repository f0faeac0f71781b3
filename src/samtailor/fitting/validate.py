"""Validation during a fit: compare the adapted model's single mask with the truth, in image pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.fitting.batches import Draw, coverage
from samtailor.fitting.sessions import continued
from samtailor.metrics import Patch, count_patches, iou, mean_over_classes, mean_over_instances

__all__ = ["Validation", "standard_error", "token_scores", "validate"]


@dataclass(frozen=True)
class Validation:
    """Scores over the validation draws.

    Attributes:
        miou: mean over classes of the mean over instances.
        iou_instances: mean over instances.
        n: number of prompts.
        empty: share of the predicted masks that are empty.
        miou_error: standard error of ``miou``, from the spread of the prompts within each class.
        ious: IoU of each prompt; not among the ``facts``.
    """

    miou: float
    iou_instances: float
    n: int
    empty: float = 0.0
    miou_error: float = 0.0
    ious: tuple[float, ...] = ()

    def facts(self) -> dict[str, float]:
        """Return everything but the scores of single prompts."""
        return {name: value for name, value in asdict(self).items() if name != "ious"}


def _nothing() -> None:
    """Check nothing."""


def token_scores(model: AdaptedModel, draws: Sequence[Draw], check: Callable[[], None] = _nothing) -> list[float]:
    """Score each mask token of the base on the draws: mIoU by token; ``check`` is called before each image."""
    scores: list[list[float]] = [[] for _ in range(model.base.mask_tokens)]
    labels = [i.label for draw in draws for i in draw.instances]
    for draw in draws:
        check()
        for answer in model.plain.answer(model.open(draw.image), model.plain.readable(draw.prompts), "all"):
            for row, instance in enumerate(draw.instances[answer.rows]):
                truth = Patch.of(instance.mask())
                for token, ious in enumerate(scores):
                    ious.append(iou(count_patches(answer.patch(row, token), truth)))
    return [mean_over_classes(ious, labels) for ious in scores]


def validate(model: AdaptedModel, draws: Sequence[Draw], check: Callable[[], None] = _nothing) -> Validation:
    """Score a model on the draws; ``check`` is called before each image and may raise to stop.

    A session is played with this model, so its clicks answer to its own errors; the last mask counts.
    """
    scores, labels, empty = [], [], 0
    for draw in draws:
        check()
        image, prompts = model.open(draw.image), model.readable(draw.prompts)
        if draw.session is not None:
            prompts = continued(model, image, prompts, draw.session, coverage(draw, image.frame))
        for answer in model.answer(image, prompts):
            for row, instance in enumerate(draw.instances[answer.rows]):
                predicted = answer.patch(row)
                scores.append(iou(count_patches(predicted, Patch.of(instance.mask()))))
                empty += not predicted.pixels.any()
        labels += [i.label for i in draw.instances]
    return Validation(
        mean_over_classes(scores, labels),
        mean_over_instances(scores),
        len(scores),
        empty / len(scores),
        standard_error(scores, labels),
        tuple(scores),
    )


def standard_error(scores: Sequence[float], labels: Sequence[str]) -> float:
    """Estimate the standard error of the mean over classes; a class with one prompt counts with the pooled variance."""
    groups = [np.array([s for s, own in zip(scores, labels, strict=True) if own == label]) for label in {*labels}]
    spare = sum(len(g) - 1 for g in groups)
    if not spare:
        return 0.0
    pooled = sum(((g - g.mean()) ** 2).sum() for g in groups) / spare
    variances = [(g.var(ddof=1) if len(g) > 1 else pooled) / len(g) for g in groups]
    return float(np.sqrt(sum(variances)) / len(groups))
