"""Open a task from what callers have: a path, or a task that is loaded already."""

from __future__ import annotations

from samtailor.data.load import load_task
from samtailor.data.task import Task
from samtailor.errors import DataError
from samtailor.machine.arguments import AnyPath, as_path

__all__ = ["AnyTask", "as_task"]

AnyTask = Task | AnyPath
"""A task, or what ``load_task`` reads: a folder, a file or ``"sample"``."""

_ACCEPTED = "a Task, or the path of a dataset"


def as_task(task: AnyTask, name: str = "task") -> Task:
    """Return a task; load it if it is a path.

    Args:
        task: a task, a path, or ``"sample"``.
        name: of the argument, for the error.

    Raises:
        ArgumentError: it is something else.
        DataError: it cannot be read, or is the folder of a run.
    """
    if isinstance(task, Task):
        return task
    path = as_path(task, name, _ACCEPTED)
    if (path / "adapter.json").is_file():
        raise DataError(
            f"{name} is {str(path)!r}, the folder of an adapter; expected {_ACCEPTED}.",
            "Pass the dataset first, and the run as adapter.",
        )
    return load_task(path)
