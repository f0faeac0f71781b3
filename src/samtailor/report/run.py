"""Measure a run and write its report: the public verb around the studies and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.store import EmbeddingStore
from samtailor.evaluation.measure import Measured, measure
from samtailor.evaluation.questions import CLICK_MAPS, STUDY_INSTANCES, Questions
from samtailor.evaluation.subject import task_of_run
from samtailor.machine.progress import Event, Progress, silent
from samtailor.report.build import ClickMapChoice, build_report
from samtailor.runs import Run

__all__ = ["Scored", "report_run"]


@dataclass(frozen=True)
class Scored(Event):
    """All studies of a report are done; sent once, before its pictures are drawn."""

    measured: Measured


def report_run(  # more than seven parameters: a public verb; its keyword arguments are its options
    run: str | Path,
    task: Task | str | Path | None = None,
    questions: Questions | None = None,
    *,
    click_maps: int | Sequence[str] = CLICK_MAPS,
    base: Base | None = None,
    cache: EmbeddingStore | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Path:
    """Measure a run and write its report, one HTML page that opens offline; ``samtailor report`` does this.

    The page goes to ``report.html`` in the run's folder, its figures to ``report.json``. Results are kept image by
    image, so that the next call with the same arguments continues after a kill.

    Example:
        >>> page = report_run("runs/mine")

    Args:
        run: the folder that ``fit_task`` wrote.
        task: a task, or a path that ``load_task`` reads; None takes the task that the run was fitted on.
        questions: what to measure. None scores one click per instance on the test split and varies the prompts of 200
            instances. If the adapter was fitted on one class, only that class is scored unless ``questions.only`` says
            otherwise.
        click_maps: number of instances with a click map, or names of images whose instances all get one.
        base: the run's base; None loads it on the fastest device of this machine.
        cache: defaults to the user's cache.
        command: the command to show on the page.
        progress: receives a ``Count`` after each image, a ``Note`` for each choice that is not the caller's, and
            ``Scored`` before pictures are drawn.

    Returns:
        Path of the page.

    Raises:
        AdapterError: the folder holds no adapter, or one of another base.
        DataError: the task, the split, a class or an image for a click map is missing.
        PromptError: the kind of prompt is unknown.
    """
    folder = Run(Path(run))
    questions = questions or Questions(sensitivity=STUDY_INSTANCES, strengths=STUDY_INSTANCES)
    maps = ClickMapChoice(click_maps) if isinstance(click_maps, int) else ClickMapChoice(images=tuple(click_maps))
    model = folder.model(base, cache)
    part = task_of_run(folder, task, questions, progress)
    measured = measure(model, part, questions, keep=folder.studies, progress=progress)
    progress(Scored(measured))
    return build_report(folder, model, part, measured, command=command, maps=maps, progress=progress)
