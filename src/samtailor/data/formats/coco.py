"""Read a task from COCO json files."""

from __future__ import annotations

from pathlib import Path

from samtailor.data.formats.coco_file import CocoFile
from samtailor.data.splits import check_split_names, split_items, split_note
from samtailor.data.task import RECTANGLES, SPLITS, ImageRecord, Task
from samtailor.errors import DataError

__all__ = ["find_coco_files", "read_coco"]

_FOLDERS = ("", "annotations")


def find_coco_files(root: Path) -> dict[str, Path]:
    """Find ``train.json``, ``val.json`` and ``test.json`` in ``root``, or else in ``root/annotations``.

    Returns:
        split -> file, for the files that exist.
    """
    for folder in _FOLDERS:
        candidates = {split: root / folder / f"{split}.json" for split in SPLITS}
        files = {split: path for split, path in candidates.items() if path.is_file()}
        if files:
            return files
    return {}


def read_coco(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read ``train.json``, ``val.json``, ``test.json`` (one or more) and the headers of ``images/``.

    Pixels are not decoded. Areas are counted from the masks. The task lists every class of the files, used or not.

    Args:
        root: a folder with the json files in it or in ``annotations/``; or one json file. Unless the file is named
            after a split, its images are split by file name.
        seed: seed of that split.
        boxes_as_masks: fill ``bbox`` if an annotation has no mask. Otherwise such an annotation is an error.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file.
    """
    root = Path(root)
    if root.is_file():
        return _read_one_file(root, seed, boxes_as_masks)
    paths = find_coco_files(root)
    if not paths:
        raise DataError(
            f"No COCO file in {root}; expected {', '.join(f'{split}.json' for split in SPLITS)}, there or in "
            f"{root / 'annotations'}.",
            "Rename the files, or pass the path of one json file.",
        )
    for path in paths.values():
        check_split_names(path.parent, ".json")
    files = {split: CocoFile(path, root, split, boxes_as_masks) for split, path in paths.items()}
    splits = {split: file.records() for split, file in files.items()}
    return _task(root, "COCO json", list(files.values()), splits)


def _read_one_file(path: Path, seed: int, boxes_as_masks: bool) -> Task:
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    is_split = path.stem in SPLITS
    file = CocoFile(path, root, path.stem if is_split else "", boxes_as_masks)
    records = file.records()
    if is_split:
        return _task(root, "COCO json", [file], {path.stem: records})
    splits = split_items(records, lambda record: record.path.relative_to(root).as_posix(), seed)
    layout = f"COCO json, {split_note('file name', seed)}"
    return _task(root, layout, [file], {split: tuple(images) for split, images in splits.items()})


def _task(root: Path, layout: str, files: list[CocoFile], splits: dict[str, tuple[ImageRecord, ...]]) -> Task:
    """Make the task; its classes are those of all files, each once, in the order of their ids."""
    classes = dict.fromkeys(name for file in files for _, name in sorted(file.categories.items()))
    note = f", {RECTANGLES}" if any(file.has_filled_boxes for file in files) else ""
    return Task(root.resolve().name, root, layout + note, tuple(classes), splits)
