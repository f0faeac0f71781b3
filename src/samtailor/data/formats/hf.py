"""Read a task from a folder of Hugging Face ``datasets``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from samtailor.data.formats.builders import build_task
from samtailor.data.formats.hf_rows import open_splits
from samtailor.data.formats.hf_split import HfSplit
from samtailor.data.formats.pictures import Pictures
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.task import Task

__all__ = ["read_hf"]


def read_hf(root: str | Path, seed: int = 0, boxes_as_masks: bool = False, *, reading: Reading | None = None) -> Task:
    """Read what ``save_to_disk`` wrote, a folder of parquet files, or an image folder with metadata.

    A column of label maps is read like the masks of image and mask folders: with ``classes.json`` or ``id2label.json``
    in ``root`` each value is a class, otherwise an instance. A column of objects holds lists (or dicts of lists) of
    objects with polygons or RLE, a category, and optionally a box [x, y, width, height]. Pictures inside the rows are
    written to the user's cache folder, because images of a task are files. Nothing is fetched from the web.

    Args:
        root: the folder.
        seed: seed of the split by file name, if the data has no splits.
        boxes_as_masks: fill the box if an object has no mask. Otherwise boxes among masks are left out, and boxes alone
            are an error.
        reading: collects broken rows and objects; None judges them here.

    Raises:
        DataError: ``datasets`` is not installed, or the data is broken. The message names folder, split and row.
    """
    root = Path(root)
    own = reading is None
    reading = reading or Reading(ReadOptions(seed, boxes_as_masks))
    splits = [HfSplit(root, split, rows, reading) for split, rows in open_splits(root).items()]
    pictures = Pictures(root)
    images = [image for split in splits for row in range(len(split.rows)) if (image := split.image(row, pictures))]
    note = ""
    if any(split.has_label_maps for split in splits):
        note = ", one class per value" if splits[0].classes else ", one instance per value"
    names = [name for split in splits for name in split.class_list()]
    task = build_task(root, "Hugging Face data set", images, reading, names, pictures.folder, note)
    return replace(task, findings=reading.finish(root)) if own else task
