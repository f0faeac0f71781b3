"""What to measure about a model on a task. Imports no torch, so that help texts are instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from samtailor.machine.arguments import wrong_type

if TYPE_CHECKING:
    from samtailor.data.opening import AnyTask
    from samtailor.data.task import Task
    from samtailor.prompts import EvaluatedKind

__all__ = ["ALL_CLASSES", "CLICK_MAPS", "STUDY_INSTANCES", "Questions", "as_questions"]

ALL_CLASSES = "*"
STUDY_INSTANCES = 200
"""Instances of a split that a study with many prompts per instance takes."""
CLICK_MAPS = 3
"""Click maps of a report."""


@dataclass(frozen=True)
class Questions:
    """What to measure.

    Attributes:
        split: of the task and of the other tasks.
        prompts: kind of prompt that the scores use: click, box, mix, 3 clicks, or for an adapter that reads words:
            word, word+click, wrong word+click. With ``word``, all objects of a class in an image are one instance, and
            the base is not scored, because it reads no words.
        per_instance: prompts per instance that the scores use.
        seed: random seed of the prompts and of the choice of instances.
        class_map: entries such as ``eyes=left_eye+right_eye``; if there are any, only these classes count.
        sensitivity: number of instances whose prompts are varied; 0 skips this study, None takes all instances.
        clicks: number of instances on which corrective clicks are counted; 0 skips this study unless ``sensitivity`` is
            measured, whose instances are then used. None takes all instances.
        also: other tasks to score, or their paths, such as one that the adapter was not fitted on.
        strengths: number of instances of each task on which the adapter is turned down, if there are other tasks;
            0 skips this study.
        base_rows: whether the base is scored beside the adapted model; without an adapter it always is.
        only: the one class to score; ``"*"`` scores all classes. None scores the class that the run was fitted on, or
            all classes if it was fitted on all. With a class map, None scores the classes of the map.
        drop_duplicates: leave out val and test images whose file is also in an earlier split.
        instances: most instances of a split that are scored, for a quick look; they are drawn by seed and id, so that a
            larger number adds to the same instances. None scores all.
    """

    split: str = "test"
    prompts: EvaluatedKind = "click"
    per_instance: int = 1
    seed: int = 0
    class_map: tuple[str, ...] = ()
    sensitivity: int | None = 0
    also: tuple[AnyTask, ...] = ()
    strengths: int = 0
    base_rows: bool = True
    only: str | None = None
    drop_duplicates: bool = False
    instances: int | None = None
    clicks: int | None = 0

    @property
    def other_tasks(self) -> tuple[Task, ...]:
        """The tasks of ``also``, loaded.

        Raises:
            ArgumentError: one is neither a task nor a path.
            DataError: one cannot be read.
        """
        from samtailor.data.opening import as_task

        also = self.also if isinstance(self.also, tuple | list) else (self.also,)  # one task, without a list
        return tuple(as_task(task, "also") for task in also)


def as_questions(questions: Questions | None, default: Questions | None = None) -> Questions:
    """Return questions; None is ``default``, or the questions of ``Questions()``.

    Raises:
        ArgumentError: ``questions`` is something else.
    """
    if not isinstance(questions, Questions | None):
        raise wrong_type("questions", questions, "Questions")
    asked = questions or default or Questions()
    entries: str | tuple[str, ...] = asked.class_map
    return replace(asked, class_map=(entries,) if isinstance(entries, str) else tuple(entries))
