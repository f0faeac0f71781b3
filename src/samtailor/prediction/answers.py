"""Decode prompts of which some have fewer points than others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.base import MaskChoice
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.machine.undisturbed import undisturbed
from samtailor.prompts import Prompts

__all__ = ["Part", "answer_shape", "answers"]


@dataclass(frozen=True)
class Part:
    """Masks of some prompts on one image.

    Attributes:
        rows: (n,) positions of these prompts among all N.
        masks: (n, M, H, W) bool, image frame.
        iou: (n, M) float32, the model's own estimates.
        logits: (n, M, 4h, 4w) float32, low-res frame.
    """

    rows: np.ndarray
    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray


def answers(model: AdaptedModel, image: EmbeddedImage, prompts: Prompts, masks: MaskChoice) -> Iterator[Part]:
    """Decode N prompts in small groups. Padding points are left out, so a prompt's masks do not depend on them."""
    for rows, alike in prompts.by_point_count():
        for answer in model.answer(image, alike, masks):
            yield Part(rows[answer.rows], answer.masks, answer.iou, answer.logits)


@undisturbed()
@torch.inference_mode()
def answer_shape(model: AdaptedModel, image: EmbeddedImage, masks: MaskChoice) -> tuple[int, int, int]:
    """Return (M, 4h, 4w) of the logits of any prompt, by decoding a box around the image."""
    box = np.array([[0, 0, image.frame.width, image.frame.height]], dtype=np.float32)
    _, _, m, height, width = model.decode(image, Prompts(boxes=box), masks).logits.shape
    return m, height, width
