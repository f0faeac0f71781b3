"""Leave out images of val and test whose file is also in an earlier split."""

from __future__ import annotations

from samtailor.data.doctor.duplicates import drop_duplicates, find_duplicates
from samtailor.data.task import Task
from samtailor.machine.progress import Note, Progress, silent

__all__ = ["without_copies"]


def without_copies(task: Task, progress: Progress = silent) -> Task:
    """Return the task without val and test images that are byte for byte in an earlier split (train, val, test).

    Scores on such images are too high. Images that only look alike stay.

    Args:
        task: the task.
        progress: receives a ``Count`` after each image, and a ``Note`` for each split that loses images.

    Raises:
        DataError: a split would be left without images.
    """
    duplicates = find_duplicates(task, progress)
    kept = drop_duplicates(task, [duplicate for duplicate in duplicates if duplicate.kind == "bytes"])
    for split, images in task.splits.items():
        if left_out := len(images) - len(kept.splits[split]):
            progress(
                Note(f"Left out {left_out} of {len(images)} {split} images: their files are also in an earlier split.")
            )
    return kept
