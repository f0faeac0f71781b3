"""Prompt sensitivity: how much a mask depends on the prompt, for base and adapted model with the same prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import ImageRecord, Task
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.names import image_names
from samtailor.evaluation.questions import STUDY_INSTANCES
from samtailor.evaluation.rows import BASE_ROWS, answerers
from samtailor.evaluation.study_results import GroupStability, RowSensitivity, Sensitivity
from samtailor.evaluation.truth import truth_of
from samtailor.evaluation.variants import GROUPS, VARIANTS, variant_prompts
from samtailor.machine.progress import Progress, silent
from samtailor.metrics import count_patches, iou
from samtailor.metrics.bootstrap import Estimate, Resampler

__all__ = ["PromptScores", "measure_sensitivity", "summarise_sensitivity"]

UNSTABLE = 0.2  # IoU: an instance is unstable if its best and worst prompt differ by more


@dataclass(frozen=True)
class PromptScores:
    """IoU of one instance: name of a row -> name of a prompt -> one value per prompt of that name."""

    image: str
    instance: int
    label: str
    ious: dict[str, dict[str, list[float]]]


def measure_sensitivity(
    model: AdaptedModel,
    task: Task,
    split: str,
    *,
    limit: int | None = STUDY_INSTANCES,
    seed: int = 0,
    keep: Path | None = None,
    progress: Progress = silent,
) -> list[PromptScores]:
    """Send every prompt of ``evaluation.variants`` for at most ``limit`` instances; arguments as ``evaluate_task``."""
    images, names = some_instances(task.split(split), limit, seed, whole=True), image_names(task, split)
    journal = Journal(keep, "sensitivity", identity(model, task, split) | {"limit": limit, "seed": seed})
    compute = partial(_score_prompts, model, seed)
    rows = journal.by_image(images, names, compute, "Varying prompts", progress)
    return [PromptScores(**row) for row in rows]


def _score_prompts(model: AdaptedModel, seed: int, record: ImageRecord) -> list[dict[str, Any]]:
    instances, image = record.promptable, model.open(record)
    asked = answerers(model, oracle=False)
    ious: list[dict[str, dict[str, list[float]]]] = [{} for _ in instances]
    for names, prompts in variant_prompts(instances, seed):
        for answerer in asked:
            for answer in answerer.model.answer(image, prompts, answerer.masks):
                for number, (row, name) in enumerate(names[answer.rows]):
                    truth = truth_of(instances[row])
                    for chosen, patch in answerer.choose(answer, number, instances[row]).items():
                        by_prompt = ious[row].setdefault(chosen, {variant: [] for variant in VARIANTS})
                        by_prompt[name].append(iou(count_patches(patch, truth)))
    return [
        {"image": record.path.name, "instance": i.id, "label": i.label, "ious": by_row}
        for i, by_row in zip(instances, ious, strict=True)
    ]


def summarise_sensitivity(scores: Sequence[PromptScores], seed: int) -> Sensitivity:
    """Summarise with 95 % intervals over images, and compare the adapted model with each row of the base, paired."""
    resampler = Resampler([s.image for s in scores])
    replicates = {row: {g: _group(scores, row, g, resampler) for g in GROUPS} for row in scores[0].ious}
    rows = {
        row: RowSensitivity(
            by_prompt={
                v: Estimate.of(resampler.mean([float(np.mean(s.ious[row][v])) for s in scores])) for v in VARIANTS
            },
            groups={g: _stability(statistics) for g, statistics in groups.items()},
        )
        for row, groups in replicates.items()
    }
    paired = {
        row: {
            g: _stability({k: replicates["adapted"][g][k] - r for k, r in statistics.items()})
            for g, statistics in groups.items()
        }
        for row, groups in replicates.items()
        if "adapted" in replicates and row in BASE_ROWS
    }
    images = len({s.image for s in scores})
    return Sensitivity(instances=len(scores), images=images, seed=seed, rows=rows, paired=paired)


def _stability(replicates: dict[str, np.ndarray]) -> GroupStability:
    return GroupStability(**{name: Estimate.of(values) for name, values in replicates.items()})


def _group(scores: Sequence[PromptScores], row: str, group: str, resampler: Resampler) -> dict[str, np.ndarray]:
    """Replicates of the figures of ``GroupStability``."""
    table = np.array([[v for name in GROUPS[group] for v in s.ious[row][name]] for s in scores])
    each = Resampler(np.repeat([s.image for s in scores], table.shape[1]).tolist())  # the same resamples of images
    return {
        "mean": resampler.mean(table.mean(axis=1)),
        "spread": resampler.mean(table.std(axis=1)),
        "worst": resampler.mean(table.min(axis=1)),
        "p10": each.quantile(table.ravel(), 0.1),
        "unstable": resampler.mean(np.ptp(table, axis=1) > UNSTABLE),
    }
