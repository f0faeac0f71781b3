"""Run all studies of an adapter, or of a base alone, on a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.registry import load_base
from samtailor.data.task import Task
from samtailor.embeddings.encoding import encode_images
from samtailor.evaluation.choose import drawn_part, some_instances
from samtailor.evaluation.classmap import apply_map, parse_map
from samtailor.evaluation.corrective import measure_clicks, summarise_clicks
from samtailor.evaluation.forgetting import off_is_the_base, strength_curve
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results import OtherTask, Results
from samtailor.evaluation.sensitivity import measure_sensitivity, summarise_sensitivity
from samtailor.evaluation.split_scores import Evaluation, evaluate_split
from samtailor.evaluation.study_results import Sensitivity, StrengthPoint
from samtailor.evaluation.word_prompts import check_words_asked, scored_task
from samtailor.machine.progress import Progress, silent
from samtailor.prompts import check_evaluated_kind

__all__ = ["Measured", "measure"]


@dataclass(frozen=True, repr=False)
class Measured:
    """Result of ``measure``.

    Attributes:
        task: the task as it was scored, with its class map applied.
        evaluation: scores of all instances.
        results: everything that was measured, summarised.
    """

    task: Task
    evaluation: Evaluation
    results: Results

    def __repr__(self) -> str:
        return f"<Measured: {self.evaluation!r}>"


def measure(
    model: AdaptedModel,
    task: Task,
    questions: Questions,
    *,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Measured:
    """Encode missing images, then answer the questions. After a kill, the next call with the same ``keep`` continues.

    Raises:
        DataError: a split or a class is missing.
    """
    check_evaluated_kind(questions.prompts)
    split, others = questions.split, questions.other_tasks
    check_words_asked(model, questions)
    if questions.class_map:
        task = apply_map(task, parse_map(questions.class_map))
    whole, task = task, drawn_part(task, split, questions.instances, questions.seed)
    for one in (scored_task(each, questions) for each in (whole, *others)):
        one = drawn_part(one, split, questions.instances, questions.seed)
        encode_images(model.base, one.split(split), model.cache, progress=progress)
    evaluation = evaluate_split(model, whole, questions, keep=keep, progress=progress)
    sensitivity = _sensitivity(model, task, questions, keep, progress)
    also = _others(model, task, others, questions, keep, progress) if others else ()
    return Measured(task, evaluation, Results(evaluation.summary(questions.class_map), sensitivity, also))


def _sensitivity(
    model: AdaptedModel, task: Task, questions: Questions, keep: Path | None, progress: Progress
) -> Sensitivity | None:
    """Vary the prompts, and count corrective clicks on the same instances or on those of ``questions.clicks``."""
    split, seed = questions.split, questions.seed
    varied, clicked = questions.sensitivity != 0, questions.clicks != 0
    if not (varied or clicked) or not some_instances(task.split(split), 1, 0, whole=True):
        return None
    options: dict[str, Any] = {"seed": seed, "keep": keep, "progress": progress}
    scores = measure_sensitivity(model, task, split, limit=questions.sensitivity, **options) if varied else None
    limit = questions.clicks if clicked else questions.sensitivity
    runs = measure_clicks(model, task, split, limit=limit, **options)
    clicks = summarise_clicks(runs)
    if scores is None:
        images = len({run.image for run in runs})
        return Sensitivity(instances=len(runs), images=images, seed=seed, clicks=clicks)
    return replace(summarise_sensitivity(scores, seed), clicks=clicks)


def _others(
    model: AdaptedModel,
    task: Task,
    others: Sequence[Task],
    questions: Questions,
    keep: Path | None,
    progress: Progress,
) -> tuple[OtherTask, ...]:
    base, split, adapted = model.base, questions.split, model.adapter is not None
    fresh = load_base(base.name, base.device, base.reference_decoder) if adapted else None
    options: dict[str, Any] = {"limit": questions.strengths, "seed": questions.seed, "keep": keep}
    own_points: Sequence[StrengthPoint] = ()
    if adapted and questions.strengths:
        own_points = strength_curve(model, task, split, progress=progress, **options)
    results = []
    for other in others:
        evaluation = evaluate_split(model, other, questions, keep=keep, progress=progress)
        other = drawn_part(other, split, questions.instances, questions.seed)
        equal = None if fresh is None else off_is_the_base(model, other, split, fresh)
        points: Sequence[StrengthPoint] = ()
        if own_points:
            points = strength_curve(model, other, split, progress=progress, **options)
            points = [replace(p, iou_own_task=o.iou_instances) for p, o in zip(points, own_points, strict=True)]
        results.append(OtherTask(evaluation.summary(), equal, tuple(points)))
    return tuple(results)
