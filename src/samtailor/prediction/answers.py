"""Decode prompts of which some have fewer points than others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from samtailor.adapters.answer import AdaptedModel, Answer
from samtailor.bases.base import MaskChoice
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.prompts import Prompts

__all__ = ["Part", "answers", "any_answer"]


@dataclass(frozen=True)
class Part:
    """Masks of some prompts on one image.

    Attributes:
        rows: (n,) positions of these prompts among all N.
        answer: their masks; those at the size of the image are made one at a time.
    """

    rows: np.ndarray
    answer: Answer


def answers(model: AdaptedModel, image: EmbeddedImage, prompts: Prompts, masks: MaskChoice) -> Iterator[Part]:
    """Decode N prompts in small groups. Padding points are left out, so a prompt's masks do not depend on them."""
    for rows, alike in prompts.by_point_count():
        for answer in model.answer(image, alike, masks):
            yield Part(rows[answer.rows], answer)


def any_answer(model: AdaptedModel, image: EmbeddedImage, masks: MaskChoice) -> Answer:
    """Answer a box around the image: it shows the number and shapes of masks where there is no prompt."""
    box = np.array([[0, 0, image.frame.width, image.frame.height]], dtype=np.float32)
    return next(model.answer(image, Prompts(boxes=box), masks))
