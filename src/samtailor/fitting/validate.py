"""Validation during a fit: the single mask of the adapted model against the truth, at the image's own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samtailor.adapters.answer import answer_in_chunks
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.embeddings.embedder import Embedder
from samtailor.fitting.batches import Draw
from samtailor.frames import Frame
from samtailor.metrics import count_pixels, iou, mean_over_classes, mean_over_instances

__all__ = ["Validation", "token_scores", "validate"]


@dataclass(frozen=True)
class Validation:
    """Scores over the validation draws.

    Attributes:
        miou: mean over classes of the mean over instances.
        iou_instances: mean over instances.
        n: how many prompts.
        empty: share of the predicted masks that are empty.
    """

    miou: float
    iou_instances: float
    n: int
    empty: float = 0.0


def token_scores(base: Base, draws: Sequence[Draw], embedder: Embedder) -> list[float]:
    """The base's mIoU on the draws for each of its mask tokens, 0 to 3."""
    scores: list[list[float]] = [[] for _ in range(4)]
    labels = [i.label for draw in draws for i in draw.instances]
    for draw in draws:
        frame = Frame(draw.image.width, draw.image.height, base.input_size)
        for answer in answer_in_chunks(base, None, embedder.of(draw.image), draw.prompts, frame, "all"):
            for masks, instance in zip(answer.masks, draw.instances[answer.rows], strict=True):
                for of_token, mask in zip(scores, masks, strict=True):
                    of_token.append(iou(count_pixels(mask, instance.mask())))
    return [mean_over_classes(of_token, labels) for of_token in scores]


def validate(base: Base, adapter: Adapter | None, draws: Sequence[Draw], embedder: Embedder) -> Validation:
    """Score ``adapter`` (None: the base) on the draws."""
    scores, labels, empty = [], [], 0
    for draw in draws:
        frame = Frame(draw.image.width, draw.image.height, base.input_size)
        for answer in answer_in_chunks(base, adapter, embedder.of(draw.image), draw.prompts, frame):
            for predicted, instance in zip(answer.masks[:, 0], draw.instances[answer.rows], strict=True):
                scores.append(iou(count_pixels(predicted, instance.mask())))
                empty += not predicted.any()
        labels += [i.label for i in draw.instances]
    return Validation(mean_over_classes(scores, labels), mean_over_instances(scores), len(scores), empty / len(scores))
