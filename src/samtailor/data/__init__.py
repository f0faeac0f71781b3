"""Tasks and pictures: read, check and count them. Pure functions; no model, no torch."""

from samtailor.data.convert import write_coco
from samtailor.data.doctor.duplicates import Duplicate, drop_duplicates, find_duplicates
from samtailor.data.doctor.inspect import BadImage, Inspection, SplitCounts, inspect_task
from samtailor.data.findings import Finding
from samtailor.data.formats.celebamask import read_celebamask
from samtailor.data.formats.coco import read_coco
from samtailor.data.formats.folders import read_folders
from samtailor.data.formats.hf import read_hf
from samtailor.data.formats.labelme import read_labelme
from samtailor.data.formats.voc import read_voc
from samtailor.data.formats.yolo import read_yolo
from samtailor.data.load import FORMATS, load_task
from samtailor.data.pixels.images import ImageSource, image_key, image_size, read_image
from samtailor.data.regroup import split_by_group
from samtailor.data.task import RECTANGLES, SPLITS, ImageRecord, Instance, Task

__all__ = [
    "FORMATS",
    "RECTANGLES",
    "SPLITS",
    "BadImage",
    "Duplicate",
    "Finding",
    "ImageRecord",
    "ImageSource",
    "Inspection",
    "Instance",
    "SplitCounts",
    "Task",
    "drop_duplicates",
    "find_duplicates",
    "image_key",
    "image_size",
    "inspect_task",
    "load_task",
    "read_celebamask",
    "read_coco",
    "read_folders",
    "read_hf",
    "read_image",
    "read_labelme",
    "read_voc",
    "read_yolo",
    "split_by_group",
    "write_coco",
]
