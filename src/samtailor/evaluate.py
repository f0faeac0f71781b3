"""Evaluate a base and an adapted model on the same prompts, at the image's own resolution."""

from __future__ import annotations

from pathlib import Path

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.scoring import ROWS, InstanceScore
from samtailor.evaluation.split_scores import Evaluation, evaluate_split
from samtailor.machine.progress import Progress, silent
from samtailor.prompts import EvaluatedKind

__all__ = ["ROWS", "Evaluation", "InstanceScore", "evaluate_task"]


def evaluate_task(  # more than seven parameters: a public verb; its keyword arguments are its options
    task: Task,
    base: Base,
    adapter: Adapter | None = None,
    *,
    split: str = "test",
    prompts: EvaluatedKind = "click",
    per_instance: int = 1,
    seed: int = 0,
    cache: EmbeddingCache | None = None,
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
