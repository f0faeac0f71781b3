"""Tasks and pictures: reading, checking, counting. Pure functions; no model, no torch."""

from samtailor.data.coco import read_coco
from samtailor.data.folders import read_folders
from samtailor.data.images import ImageSource, image_key, image_size, read_image
from samtailor.data.inspect import BadImage, Inspection, SplitCounts, inspect_task
from samtailor.data.load import load_task
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task

__all__ = [
    "SPLITS",
    "BadImage",
    "ImageRecord",
    "ImageSource",
    "Inspection",
    "Instance",
    "SplitCounts",
    "Task",
    "image_key",
    "image_size",
    "inspect_task",
    "load_task",
    "read_coco",
    "read_folders",
    "read_image",
]
