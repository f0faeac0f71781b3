"""Loading a task from wherever it lies."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from samtailor.data.coco import find_coco_files, read_coco
from samtailor.data.folders import VOID, find_splits, is_flat, read_folders
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["SAMPLE", "load_task"]

SAMPLE = "sample"


def load_task(path: str | Path, seed: int = 0) -> Task:
    """Read a task, whichever of the known layouts it has.

    Args:
        path: a folder with COCO json files or with image and mask folders, one COCO json file, or ``"sample"``
            for the task that comes with samtailor (unless a folder ``sample`` lies in the working folder).
        seed: of the split where the files do not say it.

    Raises:
        DataError: nothing that can be read is there, a file is broken, or the task holds no image or no instance.
    """
    if str(path) == SAMPLE and not Path(path).is_dir():
        return replace(_read(Path(str(files("samtailor") / "assets" / SAMPLE)), seed), name=SAMPLE)
    try:
        task = _read(Path(path).expanduser(), seed)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    _refuse_empty(task)
    return task


def _read(path: Path, seed: int) -> Task:
    if path.is_file():
        if path.suffix.lower() == ".json":
            return read_coco(path, seed)
        raise DataError(f"{path} is a file; expected a folder, or a COCO file whose name ends in .json.")
    if not path.is_dir():
        raise DataError(
            f"There is no folder {path}.", f"Check the path; {SAMPLE!r} stands for the task that comes with samtailor."
        )
    if find_coco_files(path):
        return read_coco(path, seed)
    if find_splits(path) or is_flat(path):
        return read_folders(path, seed)
    raise _unknown_layout(path)


def _unknown_layout(path: Path) -> DataError:
    jsons = sorted(path.glob("*.json")) + sorted(path.glob("annotations/*.json"))
    images = path / "images"
    hint = "docs/data.md shows the layouts."
    if jsons:
        hint = f"To read one COCO file, pass its path: {jsons[0]}."
    elif images.is_dir():
        hint = f"{images} is there, but images alone do not say what to find: add masks/ or COCO files."
    return DataError(
        f"{path} holds no task that can be read. Looked for train.json, val.json, test.json (COCO; also in "
        "annotations/), for train/images/ with train/masks/ (val, test likewise), and for images/ with masks/.",
        hint,
    )


def _refuse_empty(task: Task) -> None:
    images = [record for records in task.splits.values() for record in records]
    if not images:
        raise DataError(f"Task {task.root} ({task.format}) holds no image.", "Add images with their masks.")
    if any(record.promptable for record in images):
        return
    hint = "Check that the masks are not all background."
    if "one class per value" in task.format:
        hint = f"Check the values in the masks against classes.json; {VOID} is void unless it is named there."
    raise DataError(f"Task {task.root} ({task.format}) has {len(images)} images, but no instance on any.", hint)
