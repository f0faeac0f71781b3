"""Validation during a fit: the single mask of the adapted model against the truth, at the image's own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samtailor.adapters.answer import answer_in_chunks
from samtailor.adapters.base import Adapter
from samtailor.bases.base import Base
from samtailor.embedder import Embedder
from samtailor.fitting.batches import Draw
from samtailor.frames import Frame
from samtailor.metrics import count_pixels, iou, mean_over_classes, mean_over_instances

__all__ = ["Validation", "validate"]


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
