"""The report of a run: all studies, pictures, the data's summary and where the figures come from, as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.doctor.inspect import inspect_task
from samtailor.data.pixels.images import read_image
from samtailor.data.task import Task
from samtailor.drawing.overlay import draw_overlay
from samtailor.errors import DataError
from samtailor.evaluation.clickmap import click_map
from samtailor.evaluation.fixed_prompts import PromptPlan
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.measure import Measured
from samtailor.evaluation.names import image_names
from samtailor.evaluation.questions import CLICK_MAPS
from samtailor.evaluation.split_scores import Evaluation
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.progress import Count, Progress, counted
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.report.gallery import draw_gallery, jpeg
from samtailor.report.page import render_page
from samtailor.runs import Run

__all__ = ["ClickMapChoice", "build_report"]

LEAST_SIDE = 12  # pixels: an instance below is no subject for a click map


@dataclass(frozen=True)
class ClickMapChoice:
    """Which instances get click maps.

    Attributes:
        count: this many instances, spread evenly over the adapted scores.
        images: names of images whose instances get click maps instead.
    """

    count: int = CLICK_MAPS
    images: tuple[str, ...] = ()


def build_report(
    run: Run,
    model: AdaptedModel,
    task: Task,
    measured: Measured,
    *,
    command: str,
    maps: ClickMapChoice,
    progress: Progress,
) -> Path:
    """Write ``report.html`` and ``report.json`` (its figures) into the run folder.

    Args:
        run: the run folder; click maps, which take long, are kept in its ``studies``.
        model: the base with the run's adapter.
        task: all splits of the task, as loaded.
        measured: the result of ``measure``.
        command: the command that made the report, shown on the page.
        maps: which instances get click maps.
        progress: receives a ``Count`` after each picture.

    Returns:
        The page's path.
    """
    evaluation, split = measured.evaluation, measured.evaluation.split
    plan = PromptPlan(evaluation.prompts["kind"], evaluation.prompts["seed"])
    chosen = _subjects(measured.task, evaluation, maps)
    journal = Journal(run.studies, "maps", identity(model, measured.task, split))
    click_maps = _click_maps(model, measured.task, split, chosen, journal, progress)
    pictures = draw_gallery(model, measured.task, split, evaluation.instances, plan, progress=progress)
    inspection = inspect_task(task, progress=lambda done, total: progress(Count("Reading", done, total)))
    card = run.card()
    found = dict(measured.found)
    data: dict[str, Any] = {
        "title": f"{task.name}: base against adapted",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "run": {"folder": run.folder.name, "card": card},
        "sensitivity": found.pop("sensitivity", None),
        "also": found.pop("also", None),
        "evaluation": found,
        "data": {**inspection.to_dict(), "root": task.root.name},
        "settings": card.get("fit", {}).get("settings", {}),
        "versions": versions(),
        "hardware": hardware(model.base.device),
        "commit": commit(),
    }
    data = {key: value for key, value in data.items() if value is not None}
    write_json(
        run.report_figures, data | {"click_maps": [{k: v for k, v in m.items() if k != "picture"} for m in click_maps]}
    )
    drawn: dict[str, Any] = {"click_maps": click_maps, "gallery": pictures}
    if run.curve.is_file():
        drawn["curve"] = run.curve.read_bytes()
    write_atomically(run.report, render_page(data | drawn).encode())
    return run.report


def _subjects(task: Task, evaluation: Evaluation, maps: ClickMapChoice) -> list[tuple[str, int]]:
    """(image, instance) of those to map; not those that a class map has answered piece by piece.

    Raises:
        DataError: an image that was asked for is not in the split.
    """
    names = image_names(task, evaluation.split)
    for name in set(maps.images) - set(names.values()):
        raise DataError(
            f"Split {evaluation.split!r} has no image {name!r}.", f"It has {next(iter(names.values()))}, ..."
        )
    whole = {(names[r.path], i.id) for r in task.split(evaluation.split) for i in r.promptable if i.parts == 1}
    scores = [s for s in evaluation.instances if s.repeat == 0 and (s.image, s.instance) in whole]
    if maps.images:
        return [(s.image, s.instance) for s in scores if s.image in maps.images]
    fit = sorted((s for s in scores if s.area >= LEAST_SIDE**2), key=lambda s: s.scores["adapted"].iou)
    if not fit or maps.count == 0:
        return []
    places = np.unique(np.linspace(0, len(fit) - 1, maps.count + 2)[1:-1].round().astype(int))
    return [(fit[k].image, fit[k].instance) for k in places]


def _click_maps(
    model: AdaptedModel, task: Task, split: str, chosen: Sequence[tuple[str, int]], journal: Journal, progress: Progress
) -> list[dict[str, Any]]:
    names = image_names(task, split)
    places = {(names[r.path], i.id): (r, i) for r in task.split(split) for i in r.promptable}
    found = []
    for key in counted(chosen, "Click maps", progress):
        record, instance = places[key]
        unit = json.dumps(key)
        compute = partial(click_map, model, record, instance)
        item = dict(journal.rows(unit, compute)) | {"image": key[0]}
        x0, y0, x1, y1 = item["extent"]
        window = np.s_[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))]
        truth = instance.mask()[window]
        nothing = np.zeros((0, *truth.shape), dtype=bool)
        item["picture"] = jpeg(draw_overlay(read_image(record.path)[window], nothing, truth=truth))
        found.append(item)
    return found
