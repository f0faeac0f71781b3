"""Loading a task from wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from samtailor.data.formats.celebamask import find_celebamask, read_celebamask
from samtailor.data.formats.coco import find_coco_files, read_coco
from samtailor.data.formats.folders import VOID, find_splits, is_flat, read_folders
from samtailor.data.formats.hf import read_hf
from samtailor.data.formats.hf_rows import is_hf_folder, is_saved
from samtailor.data.formats.labelme import is_labelme, read_labelme
from samtailor.data.formats.voc import find_voc, read_voc
from samtailor.data.formats.yolo import read_yolo
from samtailor.data.formats.yolo_files import is_yolo
from samtailor.data.one_class import only_class
from samtailor.data.regroup import split_by_group
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["FORMATS", "SAMPLE", "load_task"]

SAMPLE = "sample"


@dataclass(frozen=True)
class _Format:
    """A layout that can be read.

    Attributes:
        finds: whether a folder has it, from the names of files.
        read: (path, seed, boxes_as_masks) -> task.
        looks: what is looked for, in words.
    """

    finds: Callable[[Path], bool]
    read: Callable[[Path, int, bool], Task]
    looks: str


# In the order of looking. LabelMe comes before hf, as anybody's folder may hold a metadata.csv.
_FORMATS = {
    "coco": _Format(
        lambda path: bool(find_coco_files(path)), read_coco, "train.json, val.json, test.json (also in annotations/)"
    ),
    "folders": _Format(
        lambda path: any((path / split / "masks").is_dir() for split in find_splits(path)) or is_flat(path),
        lambda path, seed, boxes: read_folders(path, seed),
        "train/images/ with train/masks/ (val, test likewise), images/ with masks/",
    ),
    "celebamask": _Format(
        lambda path: find_celebamask(path) is not None,
        lambda path, seed, boxes: read_celebamask(path, seed),
        "CelebA-HQ-img/ with CelebAMask-HQ-mask-anno/",
    ),
    "voc": _Format(
        lambda path: find_voc(path) is not None, read_voc, "JPEGImages/ with SegmentationObject/ or SegmentationClass/"
    ),
    "yolo": _Format(is_yolo, read_yolo, "data.yaml, labels/ with classes.txt"),
    "labelme": _Format(is_labelme, read_labelme, "*.json beside images"),
    "hf": _Format(
        lambda path: is_saved(path) or is_hf_folder(path),
        read_hf,
        "dataset_dict.json, *.parquet, metadata.jsonl or metadata.csv (Hugging Face datasets)",
    ),
}
FORMATS = tuple(_FORMATS)


def load_task(
    path: str | Path,
    seed: int = 0,
    *,
    format: str | None = None,
    split_by: str | None = None,
    boxes_as_masks: bool = False,
    only: str | None = None,
) -> Task:
    """Read a task, whichever of the known layouts it has; docs/guides/data.md shows them.

    Args:
        path: a folder, one COCO json file, a data.yaml, or ``"sample"`` for the task that comes with samtailor
            (unless a folder ``sample`` lies in the working folder).
        seed: of the split where the files do not say it, and of ``split_by``.
        format: read it so, one of ``FORMATS``; None looks.
        split_by: a regular expression whose match in an image's name, or the match's first group, says which images
            belong together; they are split anew, no group in two splits.
        boxes_as_masks: fill rectangles in where annotations are only boxes; an error otherwise. The task's format
            then says "rectangles, not masks".
        only: keep the instances of this class alone.

    Raises:
        DataError: nothing that can be read is there, a file is broken, or the task holds no image, no instance, or none
            of the class ``only``.
    """
    if format is not None and format not in _FORMATS:
        raise DataError(f"The format {format!r} is not known.", f"Choose one of {', '.join(FORMATS)}.")
    is_sample = str(path) == SAMPLE and not Path(path).is_dir()
    where = Path(str(files("samtailor") / "assets" / SAMPLE)) if is_sample else Path(path).expanduser()
    try:
        task = _read(where, seed, format, boxes_as_masks)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    if is_sample:
        task = replace(task, name=SAMPLE)
    _refuse_empty(task)
    if split_by is not None:
        task = split_by_group(task, split_by, seed)
    asked = {"seed": seed, "format": format, "split_by": split_by, "boxes_as_masks": boxes_as_masks}
    task = replace(task, source={"path": SAMPLE if is_sample else str(where.resolve()), **asked})
    return task if only is None else only_class(task, only)


def _read(path: Path, seed: int, format: str | None, boxes_as_masks: bool) -> Task:
    if path.is_file():
        suffix = path.suffix.lower()
        if suffix == ".json" and format in (None, "coco"):
            return read_coco(path, seed, boxes_as_masks)
        if suffix in (".yaml", ".yml") and format in (None, "yolo"):
            return read_yolo(path, seed, boxes_as_masks)
        raise DataError(
            f"{path} is a file; expected a folder, a COCO file whose name ends in .json, or a YOLO data.yaml.",
            "" if format is None else f"For --format {format} pass the folder.",
        )
    if not path.is_dir():
        raise DataError(
            f"There is no folder {path}.", f"Check the path; {SAMPLE!r} stands for the task that comes with samtailor."
        )
    found = [format] if format else [name for name, known in _FORMATS.items() if known.finds(path)][:1]
    if not found:
        raise _unknown_layout(path)
    return _FORMATS[found[0]].read(path, seed, boxes_as_masks)


def _unknown_layout(path: Path) -> DataError:
    jsons = sorted(path.glob("*.json")) + sorted(path.glob("annotations/*.json"))
    images = path / "images"
    hint = "docs/guides/data.md shows the layouts."
    if jsons:
        hint = f"To read one COCO file, pass its path: {jsons[0]}."
    elif images.is_dir():
        hint = f"{images} is there, but images alone do not say what to find: add masks/ or COCO files."
    looked = "; ".join(f"{name}: {known.looks}" for name, known in _FORMATS.items())
    return DataError(f"{path} holds no task that can be read. Looked for {looked}.", hint)


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
