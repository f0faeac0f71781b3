"""Build the report of a run as one HTML file: studies, pictures, a summary of the data, and provenance."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

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
from samtailor.evaluation.results_json import read_click_map, to_json
from samtailor.evaluation.split_scores import Evaluation
from samtailor.evaluation.study_results import ClickMap
from samtailor.evaluation.word_prompts import words_of
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.progress import Progress, counted
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.report.content import PagePictures, Report
from samtailor.report.content_json import report_json, run_facts
from samtailor.report.gallery import draw_gallery, jpeg
from samtailor.report.page import render_page
from samtailor.runs import Run

__all__ = ["ClickMapChoice", "build_report"]

LEAST_SIDE = 12  # pixels: smaller instances get no click map


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
    plan = PromptPlan(evaluation.prompts.kind, evaluation.prompts.seed, vocabulary=words_of(model))
    subjects = _subjects(measured.task, evaluation, maps)
    journal = Journal(run.studies, "maps", identity(model, measured.task, split))
    click_maps, crops = _click_maps(model, measured.task, split, subjects, journal, progress)
    gallery = draw_gallery(model, measured.task, split, evaluation.instances, plan, progress=progress)
    inspection = inspect_task(task, progress=progress)
    facts = run_facts(run.folder.name, run.card())
    report = Report(
        results=measured.results,
        title=f"{task.name}: base against adapted",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        run=facts,
        inspection=replace(inspection, root=task.root.name),
        settings=facts.settings,
        versions=versions(),
        hardware=hardware(model.base.device),
        commit=commit(),
        click_maps=tuple(click_maps),
    )
    write_json(run.report_figures, report_json(report))
    curve = run.curve.read_bytes() if run.curve.is_file() else None
    page = render_page(report, PagePictures(curve, tuple(crops), tuple(gallery)))
    write_atomically(run.report, page.encode())
    return run.report


def _subjects(task: Task, evaluation: Evaluation, maps: ClickMapChoice) -> list[tuple[str, int]]:
    """Choose (image, instance) for the click maps; leave out instances that a class map answers piece by piece.

    Raises:
        DataError: a requested image is not in the split.
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
    large = sorted((s for s in scores if s.area >= LEAST_SIDE**2), key=lambda s: s.scores["adapted"].iou)
    if not large or maps.count == 0:
        return []
    places = np.unique(np.linspace(0, len(large) - 1, maps.count + 2)[1:-1].round().astype(int))
    return [(large[k].image, large[k].instance) for k in places]


def _click_maps(
    model: AdaptedModel,
    task: Task,
    split: str,
    subjects: Sequence[tuple[str, int]],
    journal: Journal,
    progress: Progress,
) -> tuple[list[ClickMap], list[bytes]]:
    """Return the click maps, and for each the crop of the image with the truth outlined."""
    names = image_names(task, split)
    places = {(names[r.path], i.id): (r, i) for r in task.split(split) for i in r.promptable}
    click_maps, crops = [], []
    for key in counted(subjects, "Click maps", progress):
        record, instance = places[key]
        unit = json.dumps(key)
        compute = partial(click_map, model, record, instance)
        result = replace(_kept(journal, unit, compute), image=key[0])
        x0, y0, x1, y1 = result.extent
        window = np.s_[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))]
        truth = instance.mask()[window]
        nothing = np.zeros((0, *truth.shape), dtype=bool)
        click_maps.append(result)
        crops.append(jpeg(draw_overlay(read_image(record.path)[window], nothing, truth=truth)))
    return click_maps, crops


def _kept(journal: Journal, unit: str, compute: Callable[[], ClickMap]) -> ClickMap:
    """Return a click map from the journal, or compute and store it."""
    return read_click_map(journal.rows(unit, lambda: to_json(compute())))
