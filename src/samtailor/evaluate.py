"""Evaluate a base and an adapted model on the same prompts, at the image's own resolution."""

from __future__ import annotations

from pathlib import Path

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.store import EmbeddingStore
from samtailor.evaluation.measure import Measured, measure
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.scoring import ROWS, InstanceScore
from samtailor.evaluation.split_scores import Evaluation, evaluate_split
from samtailor.evaluation.subject import task_of_run, task_to_measure
from samtailor.machine.progress import Progress, silent
from samtailor.prompts import EvaluatedKind
from samtailor.runs import Run

__all__ = [
    "ROWS",
    "Evaluation",
    "InstanceScore",
    "Measured",
    "Questions",
    "evaluate_task",
    "measure_base",
    "measure_run",
]


def evaluate_task(  # more than seven parameters: a public verb; its keyword arguments are its options
    task: Task,
    base: Base,
    adapter: Adapter | None = None,
    *,
    split: str = Questions.split,
    prompts: EvaluatedKind = Questions.prompts,
    per_instance: int = Questions.per_instance,
    seed: int = Questions.seed,
    cache: EmbeddingStore | None = None,
    progress: Progress = silent,
    keep: Path | None = None,
    base_rows: bool = True,
) -> Evaluation:
    """Score base and adapted model on every instance of a split that can be prompted.

    Args:
        task: the task.
        base: the frozen model.
        adapter: without one there is no ``adapted`` row.
        split: train, val or test.
        prompts: kind of prompt; ``3 clicks`` is one prompt of three random clicks.
        per_instance: number of prompts per instance; each counts once.
        seed: random seed of the prompts.
        cache: defaults to the user's cache.
        progress: receives a ``Count`` after each image.
        keep: folder for the scores of each image, from which a killed evaluation continues; None keeps nothing.
        base_rows: whether the base is scored too; without an adapter it always is.

    Raises:
        DataError: the split does not exist or has no instance to score.
        PromptError: the kind of prompt is unknown.
    """
    questions = Questions(split, prompts, per_instance, seed, base_rows=base_rows)
    return evaluate_split(AdaptedModel.of(base, adapter, cache), task, questions, keep=keep, progress=progress)


def measure_run(
    run: str | Path,
    task: Task | str | Path | None = None,
    questions: Questions | None = None,
    *,
    base: Base | None = None,
    cache: EmbeddingStore | None = None,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Measured:
    """Measure the adapter of a run beside its base, on the same prompts; ``samtailor evaluate --adapter`` does this.

    Results are kept image by image, so that the next call with the same arguments continues after a kill.

    Example:
        >>> measured = measure_run("runs/mine", questions=Questions(sensitivity=200))

    Args:
        run: the folder that ``fit_task`` wrote.
        task: a task, or a path that ``load_task`` reads; None takes the task that the run was fitted on.
        questions: what to measure; None scores one click per instance on the test split. If the adapter was fitted on
            one class, only that class is scored unless ``questions.only`` says otherwise.
        base: the run's base; None loads it on the fastest device of this machine.
        cache: defaults to the user's cache.
        keep: folder for results of each image if the run's own folder cannot be written; None keeps nothing then.
        progress: receives a ``Count`` after each image and a ``Note`` for each choice that is not the caller's.

    Returns:
        The measured task, the scores of each instance, and everything summarised.

    Raises:
        AdapterError: the folder holds no adapter, or one of another base.
        DataError: the task, the split or a class is missing.
        PromptError: the kind of prompt is unknown.
    """
    folder, questions = Run(Path(run)), questions or Questions()
    model = folder.model(base, cache)
    part = task_of_run(folder, task, questions, progress)
    return measure(model, part, questions, keep=folder.studies if folder.writable else keep, progress=progress)


def measure_base(
    base: Base,
    task: Task | str | Path,
    questions: Questions | None = None,
    *,
    cache: EmbeddingStore | None = None,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Measured:
    """Measure a base alone; arguments as ``measure_run``, except that ``keep`` is always used."""
    questions = questions or Questions()
    part = task_to_measure(task, questions, progress)
    return measure(AdaptedModel.of(base, None, cache), part, questions, keep=keep, progress=progress)
