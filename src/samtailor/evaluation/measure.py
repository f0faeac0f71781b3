"""All studies of one adapter (or of a base alone) on a task, in one go: what ``evaluate`` and ``report`` print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.bases.registry import load_base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import Embedder
from samtailor.encode import EncodeProgress, encode_task
from samtailor.evaluate import Evaluation, evaluate_task
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.classmap import apply_map, parse_map
from samtailor.evaluation.corrective import measure_clicks, summarise_clicks
from samtailor.evaluation.forgetting import off_is_the_base, strength_curve
from samtailor.evaluation.sensitivity import measure_sensitivity, summarise_sensitivity
from samtailor.prompts import AskedKind, check_asked

__all__ = ["Measured", "Progress", "Questions", "measure"]

Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]
"""From the name of a piece of work to what hears of (done, total) while it lasts."""


def _silent(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Questions:
    """What to find out.

    Attributes:
        split: of the task, and of the others.
        prompts: kind of prompt of the scores.
        per_instance: prompts per instance of the scores.
        seed: of everything drawn.
        class_map: entries such as ``eyes=left_eye+right_eye``; then only these classes count.
        sensitivity: on how many instances prompts are varied; 0: not at all; None: on all.
        also: other tasks, such as one that the adapter was not fitted for.
        strengths: on how many instances of each task the adapter is turned down, where there are others; 0: none.
        base_rows: whether the scores have rows of the base beside the adapter's.
    """

    split: str = "test"
    prompts: AskedKind = "click"
    per_instance: int = 1
    seed: int = 0
    class_map: tuple[str, ...] = ()
    sensitivity: int | None = 0
    also: tuple[Task, ...] = ()
    strengths: int = 0
    base_rows: bool = True


@dataclass(frozen=True)
class Measured:
    """``task`` as it was scored (with its class map), the scores, and everything as JSON types."""

    task: Task
    evaluation: Evaluation
    found: dict[str, Any]


def measure(
    task: Task,
    base: Base,
    adapter: Adapter | None,
    asked: Questions,
    cache: EmbeddingCache,
    *,
    keep: Path | None = None,
    progress: Progress = _silent,
    encoding: Callable[[EncodeProgress], None] | None = None,
) -> Measured:
    """Encode what is missing, then answer the questions; killed, the next call with the same ``keep`` goes on.

    ``found`` is ``Evaluation.to_dict()`` with ``map``, ``sensitivity`` and ``also`` where they were asked for.

    Raises:
        DataError: a split or a class is missing.
    """
    check_asked(asked.prompts)
    if asked.class_map:
        task = apply_map(task, parse_map(asked.class_map))
    for one in (task, *asked.also):
        encode_task(base, one.split(asked.split), cache, progress=encoding)
    embedder = Embedder(base, cache)
    evaluation, found = _scores(task, base, adapter, asked, cache, keep, progress)
    if asked.class_map:
        found["map"] = list(asked.class_map)
    if asked.sensitivity != 0 and some_instances(task.split(asked.split), 1, 0, whole=True):
        options: dict[str, Any] = {"limit": asked.sensitivity, "seed": asked.seed, "keep": keep}
        with progress("Varying prompts") as bar:
            scores = measure_sensitivity(task, asked.split, base, adapter, embedder, progress=bar, **options)
        found["sensitivity"] = summarise_sensitivity(scores, asked.seed)
        with progress("Correcting by clicks") as bar:
            runs = measure_clicks(task, asked.split, base, adapter, embedder, progress=bar, **options)
        found["sensitivity"]["clicks_to_quality"] = summarise_clicks(runs)
    if asked.also:
        found["also"] = _others(task, base, adapter, asked, cache, embedder, keep, progress)
    return Measured(task, evaluation, found)


def _scores(
    task: Task,
    base: Base,
    adapter: Adapter | None,
    asked: Questions,
    cache: EmbeddingCache,
    keep: Path | None,
    p: Progress,
) -> tuple[Evaluation, dict[str, Any]]:
    with p(f"Evaluating on {task.name}") as bar:
        evaluation = evaluate_task(
            task,
            base,
            adapter,
            split=asked.split,
            prompts=asked.prompts,
            per_instance=asked.per_instance,
            seed=asked.seed,
            cache=cache,
            progress=bar,
            keep=keep,
            base_rows=asked.base_rows,
        )
    return evaluation, evaluation.to_dict()


def _others(
    task: Task,
    base: Base,
    adapter: Adapter | None,
    asked: Questions,
    cache: EmbeddingCache,
    embedder: Embedder,
    keep: Path | None,
    progress: Progress,
) -> list[dict[str, Any]]:
    fresh = None if adapter is None else load_base(base.name, base.device, getattr(base, "reference_decoder", False))
    options: dict[str, Any] = {"limit": asked.strengths, "seed": asked.seed, "keep": keep}
    here: Sequence[dict[str, Any]] = ()
    if adapter is not None and asked.strengths:
        with progress(f"Turning the adapter down on {task.name}") as bar:
            here = strength_curve(task, asked.split, base, adapter, embedder, progress=bar, **options)
    rows = []
    for other in asked.also:
        _, found = _scores(other, base, adapter, asked, cache, keep, progress)
        if adapter is not None and fresh is not None:
            found["adapter_off_bit_equal"] = off_is_the_base(other, asked.split, base, adapter, embedder, fresh)
        if adapter is not None and here:
            with progress(f"Turning the adapter down on {other.name}") as bar:
                there = strength_curve(other, asked.split, base, adapter, embedder, progress=bar, **options)
            found["strengths"] = [t | {"here": h["iou_instances"]} for t, h in zip(there, here, strict=True)]
        rows.append(found)
    return rows
