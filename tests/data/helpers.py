"""What the tests of data formats share: little pictures, and the way through COCO and back."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data import Task, load_task, write_coco


def picture(path: Path, width: int = 12, height: int = 8, **options: object) -> Path:
    """A picture with noise in it, so that no two are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(zlib.crc32(path.as_posix().encode())).integers(0, 256, (height, width, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path, **options)
    return path


def write(path: Path, content: Any) -> Path:
    """Text, or anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return path


def masks_of(task: Task, split: str = "train") -> list[tuple[str, np.ndarray]]:
    """Class name and mask of every instance, in order."""
    return [(i.label, i.mask()) for record in task.split(split) for i in record.instances]


def check_same(one: Task, other: Task) -> None:
    """The same classes, splits, images (by their bytes) and instances, down to ids, pixels and crowd flags."""
    assert one.classes == other.classes
    assert list(one.splits) == list(other.splits)
    for split, records in one.splits.items():
        assert len(records) == len(other.splits[split])
        for a, b in zip(records, other.splits[split], strict=True):
            assert (a.width, a.height) == (b.width, b.height)
            assert a.path.read_bytes() == b.path.read_bytes()
            assert [(i.id, i.label, i.area, i.crowd) for i in a.instances] == [
                (i.id, i.label, i.area, i.crowd) for i in b.instances
            ]
            assert all((i.mask() == j.mask()).all() for i, j in zip(a.instances, b.instances, strict=True))


def check_round_trip(task: Task, folder: Path) -> None:
    """Written as COCO and read again, with run lengths and with polygons, the task is the same."""
    for name, polygons in (("as-rle", False), ("as-polygons", True)):
        write_coco(task, folder / name, polygons=polygons)
        check_same(task, load_task(folder / name))
    ids = [[i.id for record in records for i in record.instances] for records in task.splits.values()]
    assert all(len(set(some)) == len(some) for some in ids)
