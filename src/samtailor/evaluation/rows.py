"""The ways to answer a prompt that are scored side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from samtailor.adapters.answer import AdaptedModel, Answer
from samtailor.bases.base import MaskChoice
from samtailor.data.task import Instance
from samtailor.evaluation.truth import truth_of
from samtailor.metrics import Patch, count_patches, iou

__all__ = ["BASE_ROWS", "ROWS", "Answerer", "answerers", "own_mask"]

BASE_ROWS = ("base-single", "base-best", "base-oracle")
ROWS = (*BASE_ROWS, "adapted", "adapted-best")
"""Names of the rows, in the order of tables; the last two need an adapter. ``base-best`` and ``adapted-best`` are what
users get who ask for several masks and take the one with the highest score."""

_Chooser = Callable[[Answer, int, Instance], dict[str, Patch]]
"""From an answer, the position of a prompt in it, and the instance that was prompted, to row name -> mask."""


@dataclass(frozen=True)
class Answerer:
    """A model that answers prompts with some of its masks, and the rows that they fill.

    Attributes:
        model: base or adapted model.
        masks: which masks to ask for.
        choose: names the masks of an answer by row; it may give one patch to several rows.
    """

    model: AdaptedModel
    masks: MaskChoice
    choose: _Chooser


def answerers(model: AdaptedModel, base_rows: bool = True, oracle: bool = True) -> list[Answerer]:
    """List what answers a prompt, in the order of ``ROWS``.

    Args:
        model: a base with or without an adapter.
        base_rows: whether the base answers beside an adapted model; without an adapter it always does.
        oracle: whether ``base-oracle`` is among the rows.
    """
    listed = []
    if base_rows or model.adapter is None:
        listed.append(Answerer(model.plain, "all", _base_masks if oracle else _base_masks_without_oracle))
    if model.adapter is not None and model.adapter.leaves_base:
        listed += [Answerer(model, "single", own_mask), Answerer(model, "multi", _highest)]
    elif model.adapter is not None:
        listed.append(Answerer(model, "multi", _own_and_highest))
    return listed


def own_mask(answer: Answer, row: int, _prompted: Instance) -> dict[str, Patch]:
    """Take the one mask of a ``single`` answer of the adapted model."""
    return {"adapted": answer.patch(row)}


def _highest(answer: Answer, row: int, _prompted: Instance) -> dict[str, Patch]:
    return {"adapted-best": answer.patch(row, int(answer.iou[row].argmax()))}


def _own_and_highest(answer: Answer, row: int, _prompted: Instance) -> dict[str, Patch]:
    own, highest = answer.trained.index(True), int(answer.iou[row].argmax())
    patch = answer.patch(row, own)
    return {"adapted": patch, "adapted-best": patch if highest == own else answer.patch(row, highest)}


def _base_masks_without_oracle(answer: Answer, row: int, _prompted: Instance) -> dict[str, Patch]:
    best = 1 + int(answer.iou[row, 1:].argmax())
    return {"base-single": answer.patch(row, 0), "base-best": answer.patch(row, best)}


def _base_masks(answer: Answer, row: int, prompted: Instance) -> dict[str, Patch]:
    """Choose from all masks of the base: the single mask first, then the alternatives for an ambiguous prompt."""
    truth = truth_of(prompted)
    patches = [answer.patch(row, token) for token in range(answer.iou.shape[1])]
    best = patches[1 + int(answer.iou[row, 1:].argmax())]
    oracle = max(patches[1:], key=lambda patch: iou(count_patches(patch, truth)))
    return {"base-single": patches[0], "base-best": best, "base-oracle": oracle}
