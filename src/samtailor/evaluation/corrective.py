"""Count the corrective clicks that a quality takes, with simulated clicks, for base and adapted model."""

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
from samtailor.evaluation.study_results import ClickCount, ClicksToQuality
from samtailor.machine.progress import Progress, silent
from samtailor.metrics import count_pixels, iou
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.prompts import Prompts, deepest_pixel, next_click

__all__ = ["LIMIT", "TARGETS", "WITH_MASKS", "ClickRuns", "measure_clicks", "summarise_clicks"]

TARGETS = (0.80, 0.85, 0.90)
LIMIT = 20
WITH_MASKS = " + mask"
"""Ends the name of a row whose corrections have the mask before them as a mask prompt."""


@dataclass(frozen=True)
class ClickRuns:
    """IoU of one instance after 1, 2, ... clicks, by row name; a run ends at IoU 0.90 or after 20 clicks."""

    image: str
    instance: int
    label: str
    ious: dict[str, list[float]]


def measure_clicks(
    model: AdaptedModel,
    task: Task,
    split: str,
    *,
    limit: int | None = STUDY_INSTANCES,
    seed: int = 0,
    keep: Path | None = None,
    progress: Progress = silent,
) -> list[ClickRuns]:
    """Run corrective clicks on the instances that ``measure_sensitivity`` chooses; arguments as there.

    The single mask answers. There are two rows for each model: one with the clicks alone, and one in which each
    correction also has the logits of the mask before it as a mask prompt, if the base takes masks.
    """
    images, names = some_instances(task.split(split), limit, seed, whole=True), image_names(task, split)
    header = {"limit": limit, "seed": seed, "clicks": LIMIT, "until": max(TARGETS), "masks": model.base.takes_masks}
    journal = Journal(keep, "clicks", identity(model, task, split) | header)
    rows = journal.by_image(images, names, lambda record: _run(model, record), "Correcting by clicks", progress)
    return [ClickRuns(**row) for row in rows]


def _run(model: AdaptedModel, record: ImageRecord) -> list[dict[str, Any]]:
    models = {"base-single": model.plain} | ({} if model.adapter is None else {"adapted": model})
    runs = {}
    for name, each in models.items():
        runs[name] = _click(each, record, with_masks=False)
        if model.base.takes_masks:
            runs[name + WITH_MASKS] = _click(each, record, with_masks=True)
    return [
        {
            "image": record.path.name,
            "instance": i.id,
            "label": i.label,
            "ious": {name: ious[row] for name, ious in runs.items()},
        }
        for row, i in enumerate(record.promptable)
    ]


def _click(model: AdaptedModel, record: ImageRecord, with_masks: bool) -> list[list[float]]:
    """Click on all instances of an image in parallel: one batch of equally long prompts per round."""
    image = model.open(record)
    instances = record.promptable  # truths are decoded one by one: all masks of a large photo would fill the memory
    points = np.stack([deepest_pixel(i.mask())[0] for i in instances])[:, None]
    prompts = Prompts(points=points, labels=np.ones(points.shape[:2], dtype=np.int64))
    ious: list[list[float]] = [[] for _ in instances]
    active = np.arange(len(instances))
    for _ in range(LIMIT):
        left, clicks, masks = [], [], []
        for answer in model.answer(image, prompts):
            for number, row in enumerate(active[answer.rows]):
                predicted, truth = answer.mask(number), instances[row].mask()
                ious[row].append(iou(count_pixels(predicted, truth)))
                click = next_click(predicted, truth) if ious[row][-1] < max(TARGETS) else None
                if click is not None:
                    left.append(answer.rows.start + number)
                    clicks.append(click)
                    masks.append(answer.logits[number, 0])
        if not left:
            break
        active, places, labels = active[left], np.stack([c[0] for c in clicks]), np.array([c[1] for c in clicks])
        prompts = prompts[np.array(left)].with_click(places, labels, np.stack(masks) if with_masks else None)
    return ious


def summarise_clicks(runs: Sequence[ClickRuns]) -> ClicksToQuality:
    """Compute the mean clicks to each target with 95 % intervals over images.

    A run that never reaches a target counts as 20 clicks. In the curve, a run that ended earlier keeps its last value.
    """
    resampler, rows = Resampler([r.image for r in runs]), list(runs[0].ious)
    targets = {f"{target:.2f}": {row: _click_count(runs, row, target, resampler) for row in rows} for target in TARGETS}
    curve = {
        row: tuple(float(np.mean([r.ious[row][min(k, len(r.ious[row]) - 1)] for r in runs])) for k in range(LIMIT))
        for row in rows
    }
    return ClicksToQuality(limit=LIMIT, targets=targets, curve=curve)


def _click_count(runs: Sequence[ClickRuns], row: str, target: float, resampler: Resampler) -> ClickCount:
    needed = [next((k for k, v in enumerate(r.ious[row], 1) if v >= target), None) for r in runs]
    clicks = Estimate.of(resampler.mean([LIMIT if k is None else k for k in needed]))
    return ClickCount(clicks, failures=needed.count(None), n=len(runs))
