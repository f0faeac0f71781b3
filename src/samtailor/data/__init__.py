"""Tasks and pictures: read, check and count them. Pure functions; no model, no torch.

The names below are imported when they are first used, so that importing one part does not load every reader.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "FORMATS": "samtailor.data.load",
    "RECTANGLES": "samtailor.data.task",
    "SPLITS": "samtailor.data.task",
    "BadImage": "samtailor.data.doctor.inspect",
    "Duplicate": "samtailor.data.doctor.duplicates",
    "Finding": "samtailor.data.findings",
    "ImageRecord": "samtailor.data.task",
    "ImageSource": "samtailor.data.pixels.images",
    "Inspection": "samtailor.data.doctor.inspect",
    "Instance": "samtailor.data.task",
    "SplitCounts": "samtailor.data.doctor.inspect",
    "Task": "samtailor.data.task",
    "drop_duplicates": "samtailor.data.doctor.duplicates",
    "find_duplicates": "samtailor.data.doctor.duplicates",
    "image_key": "samtailor.data.pixels.images",
    "image_size": "samtailor.data.pixels.images",
    "inspect_task": "samtailor.data.doctor.inspect",
    "load_task": "samtailor.data.load",
    "read_celebamask": "samtailor.data.formats.celebamask",
    "read_coco": "samtailor.data.formats.coco",
    "read_folders": "samtailor.data.formats.folders",
    "read_hf": "samtailor.data.formats.hf",
    "read_image": "samtailor.data.pixels.images",
    "read_labelme": "samtailor.data.formats.labelme",
    "read_voc": "samtailor.data.formats.voc",
    "read_yolo": "samtailor.data.formats.yolo",
    "split_by_group": "samtailor.data.regroup",
    "write_coco": "samtailor.data.convert",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'samtailor.data' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
