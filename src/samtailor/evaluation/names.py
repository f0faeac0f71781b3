"""Names of images in results."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from samtailor.data.regroup import image_name
from samtailor.data.task import Task

__all__ = ["image_names"]


def image_names(task: Task, split: str) -> dict[Path, str]:
    """Map each file to its name, or to its path below the task's root if two images of the split share a name."""
    records = task.split(split)
    counts = Counter(r.path.name for r in records)
    return {r.path: r.path.name if counts[r.path.name] == 1 else image_name(r, task) for r in records}
