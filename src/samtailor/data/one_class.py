"""A task cut down to one of its classes."""

from __future__ import annotations

from dataclasses import replace

from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["only_class"]


def only_class(task: Task, name: str) -> Task:
    """The task with instances of class ``name`` alone; its images stay, those without one of them included.

    Raises:
        DataError: the task has no such class, or nothing of it that can be prompted.
    """
    if name not in task.classes:
        raise DataError(
            f"Task {task.name!r} has no class {name!r}.", f"Its classes are: {', '.join(map(repr, task.classes))}."
        )
    splits = {
        split: tuple(replace(r, instances=tuple(i for i in r.instances if i.label == name)) for r in records)
        for split, records in task.splits.items()
    }
    if not any(r.promptable for records in splits.values() for r in records):
        raise DataError(f"Task {task.name!r} has no instance of its class {name!r}.", "Choose another class.")
    return replace(task, classes=(name,), splits=splits, source={**task.source, "only": name})
