"""Check options before a model is loaded, so that a mistake is known within a second."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from samtailor.data.task import Task
from samtailor.evaluation.questions import ALL_CLASSES, Questions
from samtailor.machine.text import did_you_mean

__all__ = ["check_cache_type", "check_output", "check_questions", "check_splits"]

CACHE_TYPES = ("float16", "float32")


def check_questions(task: Task, questions: Questions) -> None:
    """Check split, prompts, classes and class map.

    Raises:
        DataError: the task has no such split or class, or the class map does not fit.
        PromptError: the kind of prompt is unknown.
    """
    from samtailor.data.one_class import only_class
    from samtailor.prompts import check_evaluated_kind

    check_evaluated_kind(questions.prompts)
    for one in (task, *questions.other_tasks):
        one.split(questions.split)
    if questions.only not in (None, ALL_CLASSES):
        only_class(task, questions.only)
    if questions.class_map:
        from samtailor.evaluation.classmap import apply_map, parse_map  # imports scipy

        apply_map(task, parse_map(questions.class_map))


def check_splits(task: Task, splits: Sequence[str]) -> None:
    """Check that the splits have images.

    Raises:
        DataError: one has none.
    """
    for split in splits:
        task.split(split)


def check_cache_type(name: str) -> None:
    """Check the number type of stored embeddings.

    Raises:
        CacheError: it is not known.
    """
    from samtailor.errors import CacheError

    if name not in CACHE_TYPES:
        raise CacheError(
            f"The cache type {name!r} is unknown; expected {' or '.join(CACHE_TYPES)}.",
            f"Choose one of them.{did_you_mean(name, CACHE_TYPES)}",
        )


def check_output(file: Path | None) -> None:
    """Check that a file can be written, before hours of work go into its content.

    Raises:
        SamtailorError: its folder cannot be made or written, or it is a folder itself.
    """
    from samtailor.errors import SamtailorError

    if file is None or str(file) == "-":
        return
    if file.exists() and not file.is_file() and not file.is_dir():
        return  # a pipe or a device
    if file.is_dir():
        raise SamtailorError(
            f"{file} is a folder; expected the name of a file.", f"For example {file / 'result.json'}."
        )
    folder = next(parent for parent in Path(os.path.realpath(file)).parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise SamtailorError(f"{file} cannot be written: {folder} is no writable folder.", "Choose another folder.")
