"""A small sound task in each format, with most of what the format can express."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.campaigns.sound import annotated, masked

__all__ = ["FORMATS", "files_of", "write_files"]

FORMATS: dict[str, Callable[[Path], None]] = {
    "coco": annotated.coco,
    "coco-panoptic": annotated.panoptic,
    "labelme": annotated.labelme,
    "yolo": annotated.yolo,
    "cvat": annotated.cvat,
    "via": annotated.via,
    "via-csv": annotated.via_csv,
    "via-3": annotated.via_3,
    "label-studio": annotated.label_studio,
    "sa1b": annotated.sa1b,
    "supervisely": annotated.supervisely,
    "street": annotated.street,
    "voc-boxes": annotated.voc_boxes,
    "voc-masks": masked.voc,
    "folders": masked.folders,
    "celebamask": masked.celebamask,
    "hf": masked.hugging_face,
}


@cache
def files_of(name: str) -> dict[str, bytes]:
    """Return the content of a task's files by path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        FORMATS[name](root)
        paths = (path for path in sorted(root.rglob("*")) if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def write_files(root: Path, files: dict[str, bytes]) -> None:
    """Write files below ``root``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
