"""Reduce a task to one of its classes."""

from __future__ import annotations

from dataclasses import replace

from samtailor.data.findings import listed
from samtailor.data.task import Task
from samtailor.errors import DataError
from samtailor.machine.text import did_you_mean

__all__ = ["only_class"]

MOST = 50  # classes that a message lists


def only_class(task: Task, name: str) -> Task:
    """Return the task with only the instances of one class. All images stay, also those without such an instance.

    Raises:
        DataError: the task has no such class, or no promptable instance of it.
    """
    if name not in task.classes:
        raise DataError(
            f"Task {task.name!r} has no class {name!r}; expected one of {listed([*map(repr, task.classes)], MOST)}.",
            f"Choose one of its classes.{did_you_mean(name, task.classes)}",
        )
    splits = {
        split: tuple(replace(r, instances=tuple(i for i in r.instances if i.label == name)) for r in records)
        for split, records in task.splits.items()
    }
    reduced = replace(task, classes=(name,), splits=splits, source={**task.source, "only": name})
    if not any(record.promptable for record in reduced.images):
        raise DataError(
            f"Task {task.name!r} has no instance of its class {name!r}; expected one or more.", "Choose another class."
        )
    return reduced
