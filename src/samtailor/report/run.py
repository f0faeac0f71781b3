"""Measure a run and write its report: the public verb around the studies and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samtailor.data.opening import AnyTask
from samtailor.embeddings.opening import AnyCache
from samtailor.errors import PromptError
from samtailor.evaluation.measure import Measured, measure
from samtailor.evaluation.questions import CLICK_MAPS, STUDY_INSTANCES, Questions, as_questions
from samtailor.evaluation.subject import task_of_run
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.progress import Event
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyBase, AnyDevice, AnyRun, open_model
from samtailor.report.build import ClickMapChoice, build_report
from samtailor.runs import Run

__all__ = ["Scored", "report_run"]


@dataclass(frozen=True)
class Scored(Event):
    """All studies of a report are done; sent once, before its pictures are drawn."""

    measured: Measured


@undisturbed()
def report_run(  # more than seven parameters: a public verb; its keyword arguments are its options
    run: AnyRun,
    task: AnyTask | None = None,
    questions: Questions | None = None,
    *,
    click_maps: int | Sequence[str] = CLICK_MAPS,
    base: AnyBase | None = None,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    command: str = "",
    progress: ShownProgress = True,
) -> Path:
    """Measure a run and write its report, one HTML page that opens offline; ``samtailor report`` does this.

    The page goes to ``report.html`` in the run's folder, its figures to ``report.json``. Results are kept image by
    image, so that the next call with the same arguments continues after a kill.

    Example:
        >>> page = report_run("runs/mine")

    Args:
        run: a run, or the folder that ``fit_task`` wrote.
        task: a task, or a path that ``load_task`` reads; None takes the task that the run was fitted on.
        questions: what to measure. None scores one click per instance on the test split and varies the prompts of 200
            instances. If the adapter was fitted on one class, only that class is scored unless ``questions.only`` says
            otherwise.
        click_maps: number of instances with a click map, or names of images whose instances all get one.
        base: the run's base, or its name; None takes the one that the run names.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        command: the command to show on the page.
        progress: True shows bars in a terminal or a notebook, False shows nothing. A function receives a ``Count``
            after each image, a ``Note`` for each choice that is not the caller's, and ``Scored`` before pictures are
            drawn.

    Returns:
        Path of the page.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: the folder holds no adapter, or one of another base.
        DataError: the task, the split, a class or an image for a click map is missing.
        PromptError: the kind of prompt is unknown, is a word alone, or has words that the adapter does not read.
    """
    folder = Run.of(run)
    questions = as_questions(questions, Questions(sensitivity=STUDY_INSTANCES, strengths=STUDY_INSTANCES))
    images = (click_maps,) if isinstance(click_maps, str) else click_maps
    if questions.prompts == "word":
        raise PromptError(
            "A report compares with the base, which reads no words.",
            "Measure words alone with evaluate, and report on word+click or click.",
        )
    maps = ClickMapChoice(images) if isinstance(images, int) else ClickMapChoice(images=tuple(images))
    with showing(progress) as shown:
        model = open_model(base, folder, cache, device)
        part = task_of_run(folder, task, questions, shown)
        measured = measure(model, part, questions, keep=folder.studies, progress=shown)
        shown(Scored(measured))
        return build_report(folder, model, part, measured, command=command, maps=maps, progress=shown)
