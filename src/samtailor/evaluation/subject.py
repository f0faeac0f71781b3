"""The part of a task that is measured."""

from __future__ import annotations

from samtailor.data.doctor.copies import without_copies
from samtailor.data.one_class import only_class
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import Task
from samtailor.evaluation.questions import ALL_CLASSES, Questions
from samtailor.machine.progress import Note, Progress, silent
from samtailor.runs import Run

__all__ = ["class_to_score", "task_of_run", "task_to_measure"]


def class_to_score(questions: Questions, run: Run | None = None) -> str | None:
    """Return the one class to score; None for all classes.

    Args:
        questions: its ``only`` decides; if that is None and there is no class map, the run does.
        run: a run folder; None for a base alone.
    """
    if questions.only is not None:
        return None if questions.only == ALL_CLASSES else questions.only
    return None if run is None or questions.class_map else run.only_class


def task_to_measure(task: AnyTask, questions: Questions, progress: Progress = silent) -> Task:
    """Keep the part of a task that a base alone is measured on: its classes, its images without copies.

    Args:
        task: a task, or what ``load_task`` reads.
        questions: says which class to score and whether to leave out copies.
        progress: receives a ``Note`` for each split that loses images.

    Raises:
        DataError: the task cannot be read, or has no such class.
    """
    return _part(task, class_to_score(questions), questions, progress)


def task_of_run(run: Run, task: AnyTask | None, questions: Questions, progress: Progress = silent) -> Task:
    """Keep the part of a task that a run is measured on; without a task, of the task that it was fitted on.

    Args:
        run: the run folder.
        task: a task, what ``load_task`` reads, or None.
        questions: says which class to score and whether to leave out copies.
        progress: receives a ``Note`` if the run chooses the class, and for each split that loses images.

    Raises:
        DataError: the task cannot be read, has no such class, or the run does not say which task it was fitted on.
    """
    only = class_to_score(questions, run)
    if only is not None and questions.only is None:
        progress(
            Note(
                f"Only {only!r} is scored, the class that the adapter was fitted on. Class {ALL_CLASSES!r} scores all."
            )
        )
    whole = task if isinstance(task, Task) else run.task(path=task)
    return _part(whole, only, questions, progress)


def _part(task: AnyTask, only: str | None, questions: Questions, progress: Progress) -> Task:
    whole = as_task(task)
    part = whole if only is None else only_class(whole, only)
    return without_copies(part, progress) if questions.drop_duplicates else part
