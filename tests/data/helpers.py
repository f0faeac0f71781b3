"""Helpers for the tests of data formats: small pictures, files, and comparisons of tasks."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from samtailor.data import Instance, Task, load_task, write_coco
from samtailor.data.pixels.rle import mask_rle
from samtailor.errors import DataError


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    """Save an array as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def picture(path: Path, width: int = 12, height: int = 8) -> Path:
    """Save a picture of noise that differs for each path."""
    noise = np.random.default_rng(zlib.crc32(path.as_posix().encode())).integers(0, 256, (height, width, 3))
    return save(path, noise.astype(np.uint8))


def write(path: Path, content: Any) -> Path:
    """Write text, or anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return path


def instance(number: int, mask: np.ndarray, label: str = "cell", crowd: bool = False) -> Instance:
    """Make an instance from a mask."""
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


def masks_of(task: Task, split: str = "train") -> list[tuple[str, np.ndarray]]:
    """Return class name and mask of every instance, in order."""
    return [(i.label, i.mask()) for record in task.split(split) for i in record.instances]


def stems_of(task: Task) -> dict[str, list[str]]:
    """Return the file stems of each split."""
    return {split: [record.path.stem for record in records] for split, records in task.splits.items()}


def sizes_of(task: Task) -> dict[str, int]:
    """Return the number of images of each split."""
    return {split: len(records) for split, records in task.splits.items()}


@contextmanager
def data_error(*words: object) -> Iterator[None]:
    """Expect a DataError whose text contains all words."""
    with pytest.raises(DataError) as caught:
        yield
    missing = [str(word) for word in words if str(word) not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


def left_out(task: Task) -> str:
    """Return what the finding about broken entries says."""
    return next(finding.what for finding in task.findings if finding.code == "broken-entries")


def check_same(first: Task, second: Task) -> None:
    """Check that classes, splits, images (by their bytes) and instances are equal, including ids and crowd flags."""
    assert first.classes == second.classes
    assert list(first.splits) == list(second.splits)
    for split, records in first.splits.items():
        assert len(records) == len(second.splits[split])
        for a, b in zip(records, second.splits[split], strict=True):
            assert (a.width, a.height) == (b.width, b.height)
            assert a.path.read_bytes() == b.path.read_bytes()
            assert [(i.id, i.label, i.area, i.crowd) for i in a.instances] == [
                (i.id, i.label, i.area, i.crowd) for i in b.instances
            ]
            assert all((i.mask() == j.mask()).all() for i, j in zip(a.instances, b.instances, strict=True))


def check_round_trip(task: Task, folder: Path) -> None:
    """Check that the task is the same after writing it as COCO, with RLE and with polygons, and loading it again."""
    for name, polygons in (("as-rle", False), ("as-polygons", True)):
        write_coco(task, folder / name, polygons=polygons)
        check_same(task, load_task(folder / name))
    for records in task.splits.values():
        ids = [i.id for record in records for i in record.instances]
        assert len(set(ids)) == len(ids)
