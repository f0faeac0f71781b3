"""Tasks made by code for the tests of the doctor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data import ImageRecord, Instance, Task, inspect_task
from samtailor.data.doctor.findings import Finding
from samtailor.data.pixels.rle import mask_rle

SIDE = 128
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def scene(seed: int) -> np.ndarray:
    """A picture (128, 128, 3) of smooth random colours, unlike that of any other seed."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def disc(x: int, y: int, radius: int = 15) -> np.ndarray:
    return np.asarray((ROWS - y) ** 2 + (COLUMNS - x) ** 2 < radius**2)


def instance(number: int, mask: np.ndarray, label: str = "disc", crowd: bool = False) -> Instance:
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


def clean_task(root: Path) -> Task:
    """30 images, 10 in each split, with two discs and a ring each: nothing to complain about."""
    splits = {}
    for n, split in enumerate(("train", "val", "test")):
        records = []
        for i in range(10):
            path = root / f"{split}{i}.png"
            Image.fromarray(scene(100 * n + i)).save(path)
            ring = disc(90, 40) & ~disc(90, 40, 8)
            masks = [(disc(30, 30 + i), "disc"), (disc(60, 90 - i), "disc"), (ring, "ring")]
            instances = tuple(instance(3 * i + k, mask, label) for k, (mask, label) in enumerate(masks))
            records.append(ImageRecord(path, SIDE, SIDE, instances))
        splits[split] = tuple(records)
    return Task("t", root, "made here", ("disc", "ring"), splits)


def with_instances(task: Task, *masks: np.ndarray, label: str = "disc", crowd: bool = False) -> Task:
    """The task with more instances on the first image of train."""
    first, *others = task.splits["train"]
    more = tuple(instance(1000 + k, mask, label, crowd) for k, mask in enumerate(masks))
    return replace(task, splits={**task.splits, "train": (replace(first, instances=first.instances + more), *others)})


def with_image(task: Task, split: str, path: Path, pixels: np.ndarray | None = None, **options: object) -> Task:
    """The task with one more image, at the end of a split; its instances are those of the split's first."""
    if pixels is not None:
        Image.fromarray(pixels).save(path, **options)
    width, height = Image.open(path).size
    record = ImageRecord(path, width, height, tuple(replace(i, id=i.id + 5000) for i in task.split(split)[0].instances))
    return replace(task, splits={**task.splits, split: (*task.splits[split], record)})


def of_code(task: Task, code: str) -> Finding:
    found = [finding for finding in inspect_task(task).findings if finding.code == code]
    assert len(found) == 1, [finding.code for finding in inspect_task(task).findings]
    return found[0]
