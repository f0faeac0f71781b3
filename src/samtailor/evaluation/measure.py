"""All studies of one adapter (or of a base alone) on a task, in one go: what ``evaluate`` and ``report`` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.registry import load_base
from samtailor.data.task import Task
from samtailor.embeddings.encoding import encode_images
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.classmap import apply_map, parse_map
from samtailor.evaluation.corrective import measure_clicks, summarise_clicks
from samtailor.evaluation.forgetting import off_is_the_base, strength_curve
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.sensitivity import measure_sensitivity, summarise_sensitivity
from samtailor.evaluation.split_scores import Evaluation, evaluate_split
from samtailor.machine.progress import Progress, silent
from samtailor.prompts import check_evaluated_kind

__all__ = ["Measured", "measure"]


@dataclass(frozen=True)
class Measured:
    """``task`` as it was scored (with its class map), the scores, and everything as JSON types."""

    task: Task
    evaluation: Evaluation
    found: dict[str, Any]


def measure(
    model: AdaptedModel,
    task: Task,
    questions: Questions,
    *,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Measured:
    """Encode what is missing, then answer the questions. After a kill, the next call with the same ``keep`` continues.

    ``found`` is ``Evaluation.to_dict()`` with ``map``, ``sensitivity`` and ``also`` if they were asked for.

    Raises:
        DataError: a split or a class is missing.
    """
    check_evaluated_kind(questions.prompts)
    split = questions.split
    if questions.class_map:
        task = apply_map(task, parse_map(questions.class_map))
    for one in (task, *questions.also):
        encode_images(model.base, one.split(split), model.cache, progress=progress)
    evaluation = evaluate_split(model, task, questions, keep=keep, progress=progress)
    found = evaluation.to_dict()
    if questions.class_map:
        found["map"] = list(questions.class_map)
    if questions.sensitivity != 0 and some_instances(task.split(split), 1, 0, whole=True):
        options: dict[str, Any] = {"limit": questions.sensitivity, "seed": questions.seed, "keep": keep}
        scores = measure_sensitivity(model, task, split, progress=progress, **options)
        found["sensitivity"] = summarise_sensitivity(scores, questions.seed)
        runs = measure_clicks(model, task, split, progress=progress, **options)
        found["sensitivity"]["clicks_to_quality"] = summarise_clicks(runs)
    if questions.also:
        found["also"] = _others(model, task, questions, keep, progress)
    return Measured(task, evaluation, found)


def _others(
    model: AdaptedModel, task: Task, questions: Questions, keep: Path | None, progress: Progress
) -> list[dict[str, Any]]:
    base, split, adapted = model.base, questions.split, model.adapter is not None
    fresh = load_base(base.name, base.device, base.reference_decoder) if adapted else None
    options: dict[str, Any] = {"limit": questions.strengths, "seed": questions.seed, "keep": keep}
    here: Sequence[dict[str, Any]] = ()
    if adapted and questions.strengths:
        here = strength_curve(model, task, split, progress=progress, **options)
    rows = []
    for other in questions.also:
        found = evaluate_split(model, other, questions, keep=keep, progress=progress).to_dict()
        if fresh is not None:
            found["adapter_off_bit_equal"] = off_is_the_base(model, other, split, fresh)
        if here:
            there = strength_curve(model, other, split, progress=progress, **options)
            found["strengths"] = [t | {"here": h["iou_instances"]} for t, h in zip(there, here, strict=True)]
        rows.append(found)
    return rows
