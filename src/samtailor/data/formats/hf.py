"""Read a task from a folder of Hugging Face ``datasets``."""

from __future__ import annotations

from pathlib import Path

from samtailor.data.formats.drafts import draft_labels, split_drafts, task_from_drafts
from samtailor.data.formats.hf_rows import open_splits
from samtailor.data.formats.hf_split import HfSplit
from samtailor.data.formats.pictures import Pictures
from samtailor.data.splits import split_note
from samtailor.data.task import SPLITS, Task

__all__ = ["read_hf"]


def read_hf(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read what ``save_to_disk`` wrote, a folder of parquet files, or an image folder with metadata.

    A column of label maps is read like the masks of image and mask folders: with ``classes.json`` in ``root`` each
    value is a class, otherwise an instance. A column of objects holds lists (or dicts of lists) of objects with
    polygons or RLE, a category, and optionally a box [x, y, width, height]. Pictures inside the rows are written to
    the user's cache folder, because images of a task are files.

    Args:
        root: the folder.
        seed: seed of the split by file name, if the data has no splits.
        boxes_as_masks: fill the box if an object has no mask. Otherwise such an object is an error.

    Raises:
        DataError: ``datasets`` is not installed, or the data is broken. The message names folder, split and row.
    """
    root = Path(root)
    readers = [HfSplit(root, split, rows, boxes_as_masks) for split, rows in open_splits(root).items()]
    pictures = Pictures(root)
    drafts = {reader.split: [reader.draft(row, pictures) for row in range(len(reader.rows))] for reader in readers}
    layout = "Hugging Face data set"
    if "" in drafts:
        drafts = split_drafts(drafts[""], pictures.folder, seed)
        layout += f", {split_note('file name', seed)}"
    if any(reader.has_label_maps for reader in readers):
        layout += ", one class per value" if readers[0].classes else ", one instance per value"
    names = dict.fromkeys(name for reader in readers for name in reader.class_list())
    used = draft_labels(draft for images in drafts.values() for draft in images)
    names |= dict.fromkeys(sorted(used - names.keys()))
    ordered = {split: drafts[split] for split in SPLITS if split in drafts}
    return task_from_drafts(root, layout, names, ordered)
