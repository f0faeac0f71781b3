"""How much an answer depends on where and how one prompts: base and adapted model under the same fixed prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import ImageRecord, Task
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.names import image_names
from samtailor.evaluation.questions import STUDY_INSTANCES
from samtailor.evaluation.variants import GROUPS, VARIANTS, variant_prompts
from samtailor.machine.progress import Progress, silent
from samtailor.metrics import count_pixels, iou
from samtailor.metrics.bootstrap import Estimate, Resampler

__all__ = ["PromptScores", "measure_sensitivity", "summarise_sensitivity"]

UNSTABLE = 0.2  # IoU: an instance whose best and worst prompt lie farther apart is unstable


@dataclass(frozen=True)
class PromptScores:
    """IoU of one instance: method -> prompt's name -> one value per prompt of that name."""

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
    """Ask every prompt of ``studies.variants`` of at most ``limit`` instances; arguments as ``evaluate_task``."""
    images, names = some_instances(task.split(split), limit, seed, whole=True), image_names(task, split)
    journal = Journal(keep, "sensitivity", identity(model, task, split) | {"limit": limit, "seed": seed})
    rows = journal.by_image(images, names, lambda record: _ask(model, record, seed), "Varying prompts", progress)
    return [PromptScores(**row) for row in rows]


def _ask(model: AdaptedModel, record: ImageRecord, seed: int) -> list[dict[str, Any]]:
    instances, image = record.promptable, model.open(record)
    methods = ("base-single", "base-best") if model.adapter is None else ("base-single", "base-best", "adapted")
    ious: list[dict[str, dict[str, list[float]]]] = [{m: {v: [] for v in VARIANTS} for m in methods} for _ in instances]
    for names, prompts in variant_prompts(instances, seed):
        for answer in model.plain.answer(image, prompts, "all"):
            for (row, name), masks, own in zip(names[answer.rows], answer.masks, answer.iou, strict=True):
                best, truth = masks[1 + int(own[1:].argmax())], instances[row].mask()
                ious[row]["base-single"][name].append(iou(count_pixels(masks[0], truth)))
                ious[row]["base-best"][name].append(iou(count_pixels(best, truth)))
        if model.adapter is None:
            continue
        for answer in model.answer(image, prompts):
            for (row, name), masks in zip(names[answer.rows], answer.masks, strict=True):
                ious[row]["adapted"][name].append(iou(count_pixels(masks[0], instances[row].mask())))
    return [
        {"image": record.path.name, "instance": i.id, "label": i.label, "ious": found}
        for i, found in zip(instances, ious, strict=True)
    ]


def summarise_sensitivity(scores: Sequence[PromptScores], seed: int) -> dict[str, Any]:
    """Figures with 95 % intervals over images, and paired differences of the adapted model to each base row.

    By group of prompts, ``mean``: over instances and prompts; ``spread``: mean over instances of the standard deviation
    between an instance's prompts; ``worst``: mean over instances of the lowest; ``p10``: the 10th percentile over
    instances and prompts; ``unstable``: share of instances whose prompts lie more than 0.2 apart.
    """
    resampler = Resampler([s.image for s in scores])
    replicates = {m: {g: _group(scores, m, g, resampler) for g in GROUPS} for m in scores[0].ious}
    methods = {
        method: {
            "by_prompt": {
                v: Estimate.of(resampler.mean([float(np.mean(s.ious[method][v])) for s in scores])).to_dict()
                for v in VARIANTS
            },
            "groups": {g: {k: Estimate.of(r).to_dict() for k, r in found.items()} for g, found in groups.items()},
        }
        for method, groups in replicates.items()
    }
    paired = {
        f"adapted - {method}": {
            g: {k: Estimate.of(replicates["adapted"][g][k] - r).to_dict() for k, r in found.items()}
            for g, found in replicates[method].items()
        }
        for method in replicates
        if "adapted" in replicates and method != "adapted"
    }
    images = len({s.image for s in scores})
    return {"instances": len(scores), "images": images, "seed": seed, "methods": methods, "paired": paired}


def _group(scores: Sequence[PromptScores], method: str, group: str, resampler: Resampler) -> dict[str, np.ndarray]:
    table = np.array([[v for name in GROUPS[group] for v in s.ious[method][name]] for s in scores])
    each = Resampler(np.repeat([s.image for s in scores], table.shape[1]).tolist())  # the same resamples of images
    return {
        "mean": resampler.mean(table.mean(axis=1)),
        "spread": resampler.mean(table.std(axis=1)),
        "worst": resampler.mean(table.min(axis=1)),
        "p10": each.quantile(table.ravel(), 0.1),
        "unstable": resampler.mean(np.ptp(table, axis=1) > UNSTABLE),
    }
