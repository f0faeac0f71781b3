"""Base against adapted model, on the same prompts, at the image's own resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from samtailor.adapters.answer import answer_in_chunks
from samtailor.adapters.base import Adapter
from samtailor.bases.base import Base
from samtailor.cache import EmbeddingCache
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.embedder import Embedder
from samtailor.errors import DataError
from samtailor.frames import Frame
from samtailor.metrics import count_pixels, iou, mean_over_classes, mean_over_instances, per_class_means
from samtailor.prompts import PromptKind, Prompts, check_kind, simulate_prompts

__all__ = ["METHODS", "Evaluation", "InstanceScore", "evaluate_task", "fixed_prompts"]

METHODS = ("base-single", "base-best", "base-oracle", "adapted")


@dataclass(frozen=True)
class InstanceScore:
    """IoU of one instance under one prompt, by method."""

    image: str
    instance: int
    label: str
    scores: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """All scores and what they were made of."""

    task: str
    split: str
    prompts: dict[str, Any]
    base: dict[str, str]
    instances: list[InstanceScore] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """One row per method: ``miou`` (mean over classes of the mean over instances), ``iou_instances`` (mean over
        instances), ``n`` and the per-class means."""
        labels = [i.label for i in self.instances]
        methods = [m for m in METHODS if self.instances and m in self.instances[0].scores]
        return [_row(method, [i.scores[method] for i in self.instances], labels) for method in methods]

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "split": self.split,
            "prompts": self.prompts,
            "base": self.base,
            "rows": self.rows(),
        }


def _row(method: str, scores: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    return {
        "method": method,
        "miou": mean_over_classes(scores, labels),
        "iou_instances": mean_over_instances(scores),
        "n": len(scores),
        "per_class": {k: {"iou": mean, "n": n} for k, (mean, n) in per_class_means(scores, labels).items()},
    }


def fixed_prompts(
    instances: Sequence[Instance], kind: PromptKind, seed: int, repeat: int = 0
) -> list[tuple[list[int], Prompts]]:
    """The prompts of an evaluation: a function of seed, instance id and repeat alone, so they never depend on order.

    A click is uniform in the mask; a box is the mask's tight box; ``mix`` decides for each instance by a coin.

    Returns:
        (positions in ``instances``, their prompts) for each kind that occurs.
    """
    rngs = [np.random.default_rng([seed, abs(i.id), repeat]) for i in instances]
    coins = [rng.random() < 0.5 for rng in rngs] if kind == "mix" else [kind == "click"] * len(rngs)
    kinds: tuple[tuple[bool, Literal["click", "box"]], ...] = ((True, "click"), (False, "box"))
    groups = []
    for wanted, name in kinds:
        rows = [k for k, coin in enumerate(coins) if coin == wanted]
        if rows:
            masks = (instances[k].mask() for k in rows)
            groups.append((rows, simulate_prompts(masks, name, [rngs[k] for k in rows])))
    return groups


def evaluate_task(
    task: Task,
    base: Base,
    adapter: Adapter | None = None,
    *,
    split: str = "test",
    prompts: PromptKind = "click",
    per_instance: int = 1,
    seed: int = 0,
    cache: EmbeddingCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score the base's single mask, its best by own estimate, the oracle's choice of its three, and the adapted model.

    Args:
        task: what to evaluate on; crowd regions and empty masks are not scored.
        base: the frozen model.
        adapter: without it there is no ``adapted`` row.
        split: train, val or test.
        prompts: kind of prompt.
        per_instance: how many prompts each instance gets; each counts once.
        seed: of the prompts.
        cache: default: the user's cache.
        progress: called with (images done, images in all).

    Raises:
        DataError: no such split, or nothing in it can be scored.
        PromptError: no such kind of prompt.
    """
    check_kind(prompts)
    images = task.split(split)
    if not any(r.promptable for r in images):
        raise DataError(f"Split {split!r} of task {task.name!r} has no instance to score.", "Give it masks.")
    embedder = Embedder(base, cache or EmbeddingCache())
    result = Evaluation(
        task.name,
        split,
        {"kind": prompts, "per_instance": per_instance, "seed": seed},
        {"name": base.name, "fingerprint": base.fingerprint},
    )
    for done, record in enumerate(images):
        if progress:
            progress(done, len(images))
        if record.promptable:
            result.instances.extend(_score_image(record, base, adapter, embedder, prompts, per_instance, seed))
    if progress:
        progress(len(images), len(images))
    return result


def _score_image(
    record: ImageRecord,
    base: Base,
    adapter: Adapter | None,
    embedder: Embedder,
    kind: PromptKind,
    per_instance: int,
    seed: int,
) -> list[InstanceScore]:
    instances = record.promptable
    frame = Frame(record.width, record.height, base.input_size)
    embeddings = embedder.of(record)
    found: list[InstanceScore] = []
    for repeat in range(per_instance):
        scores: list[dict[str, float]] = [{} for _ in instances]
        for rows, prompts in fixed_prompts(instances, kind, seed, repeat):
            for answer in answer_in_chunks(base, None, embeddings, prompts, frame, "all"):
                for row, four, own in zip(rows[answer.rows], answer.masks, answer.iou, strict=True):
                    scores[row] |= _base_scores(four, own, instances[row].mask())
            if adapter is None:
                continue
            for answer in answer_in_chunks(base, adapter, embeddings, prompts, frame, "single"):
                for row, one in zip(rows[answer.rows], answer.masks, strict=True):
                    scores[row]["adapted"] = iou(count_pixels(one[0], instances[row].mask()))
        found += [InstanceScore(record.path.name, i.id, i.label, s) for i, s in zip(instances, scores, strict=True)]
    return found


def _base_scores(masks: np.ndarray, own: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """``masks`` (4, H, W): the single mask, then the three of the ambiguous answer; ``own`` (4,): own estimates."""
    single, *three = (iou(count_pixels(m, truth)) for m in masks)
    return {"base-single": single, "base-best": three[int(own[1:].argmax())], "base-oracle": max(three)}
