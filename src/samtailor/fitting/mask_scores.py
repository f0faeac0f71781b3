"""Measure on val how good each mask of an adapted model is, and how good the model says it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.mask_scores import corrections_of
from samtailor.fitting.batches import Draw
from samtailor.metrics import Patch, count_patches, iou

__all__ = ["measure_mask_scores"]

PROMPTS = 64
"""Validation prompts that are used. The mean IoU of 64 masks varies by about 0.03."""


@torch.inference_mode()
def measure_mask_scores(model: AdaptedModel, draws: Sequence[Draw]) -> dict[str, Any] | None:
    """Measure the masks of all tokens, and set the adapter's ``score_corrections``.

    A fit trains the score of one mask. Those of the others drift, mostly upwards.

    Args:
        model: a base with a fitted adapter.
        draws: of the validation.

    Returns:
        The adapter card's ``mask_scores``: number of prompts, mean IoU and mean estimate by mask token. None if there
        is only one mask, or if the adapter leaves the base as it is.
    """
    adapter = model.require_adapter().eval()
    adapter.score_corrections = ()
    if adapter.leaves_base or model.base.mask_tokens < 2:
        return None
    ious: list[list[float]] = []
    estimates: list[list[float]] = []
    before = accumulate((len(draw.instances) for draw in draws), initial=0)
    for draw in [draw for draw, count in zip(draws, before, strict=False) if count < PROMPTS]:
        for answer in model.answer(model.open(draw.image), draw.prompts, "all"):
            for row, instance in enumerate(draw.instances[answer.rows]):
                truth = Patch.of(instance.mask())
                patches = (answer.patch(row, token) for token in range(model.base.mask_tokens))
                ious.append([iou(count_patches(patch, truth)) for patch in patches])
            estimates += answer.estimates.tolist()
    columns = [np.mean(rows, axis=0).round(6).tolist() for rows in (ious, estimates)]
    adapter.score_corrections = corrections_of(*columns)
    return {"prompts": len(ious), "iou": columns[0], "estimate": columns[1]}
