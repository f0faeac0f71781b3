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
from samtailor.prompts import Prompts, deepest_pixel

__all__ = ["LIMIT", "TARGETS", "ClickRuns", "measure_clicks", "next_click", "summarise_clicks"]

TARGETS = (0.80, 0.85, 0.90)
LIMIT = 20


@dataclass(frozen=True)
class ClickRuns:
    """IoU of one instance after 1, 2, ... clicks, by row name; a run ends at IoU 0.90 or after 20 clicks."""

    image: str
    instance: int
    label: str
    ious: dict[str, list[float]]


def next_click(predicted: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, int]:
    """Place the next corrective click: on the deepest pixel of the missing or the excess area, whichever is deeper.

    Returns:
        (x, y) as (2,) float32, image frame, and its label: 1 on missing area, 0 on excess area.
    """
    candidates = []
    for wrong, label in ((truth & ~predicted, 1), (predicted & ~truth, 0)):
        if wrong.any():
            point, depth = deepest_pixel(wrong)
            candidates.append((depth, label, point))
    _, label, point = max(candidates, key=lambda c: c[:2])
    return point, label


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

    The single mask answers; earlier masks are not fed back to the model.
    """
    images, names = some_instances(task.split(split), limit, seed, whole=True), image_names(task, split)
    header = {"limit": limit, "seed": seed, "clicks": LIMIT, "until": max(TARGETS)}
    journal = Journal(keep, "clicks", identity(model, task, split) | header)
    rows = journal.by_image(images, names, lambda record: _run(model, record), "Correcting by clicks", progress)
    return [ClickRuns(**row) for row in rows]


def _run(model: AdaptedModel, record: ImageRecord) -> list[dict[str, Any]]:
    models = {"base-single": model.plain}
    if model.adapter is not None:
        models["adapted"] = model
    runs = {name: _click(each, record) for name, each in models.items()}
    return [
        {
            "image": record.path.name,
            "instance": i.id,
            "label": i.label,
            "ious": {name: ious[row] for name, ious in runs.items()},
        }
        for row, i in enumerate(record.promptable)
    ]


def _click(model: AdaptedModel, record: ImageRecord) -> list[list[float]]:
    """Click on all instances of an image in parallel: one batch of equally long prompts per round."""
    image = model.open(record)
    instances = record.promptable  # truths are decoded one by one: all masks of a large photo would fill the memory
    clicks = [[(deepest_pixel(i.mask())[0], 1)] for i in instances]
    ious: list[list[float]] = [[] for _ in instances]
    active = list(range(len(instances)))
    for _ in range(LIMIT):
        points = np.stack([[point for point, _ in clicks[row]] for row in active])
        labels = np.array([[label for _, label in clicks[row]] for row in active], dtype=np.int64)
        left = []
        for answer in model.answer(image, Prompts(points=points, labels=labels)):
            for number, row in enumerate(active[answer.rows]):
                predicted, truth = answer.mask(number), instances[row].mask()
                ious[row].append(iou(count_pixels(predicted, truth)))
                if ious[row][-1] < max(TARGETS):
                    clicks[row].append(next_click(predicted, truth))
                    left.append(row)
        active = left
        if not active:
            break
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
