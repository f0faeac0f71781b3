"""Tasks for the tests of the doctor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data import ImageRecord, Task, inspect_task
from samtailor.data.findings import Finding
from tests.data.helpers import instance, save

SIDE = 128
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def scene(seed: int) -> np.ndarray:
    """Return a picture (128, 128, 3) of smooth random colours, different for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def disc(x: int, y: int, radius: int = 15) -> np.ndarray:
    """Return a mask (128, 128) of a disc."""
    return np.asarray((ROWS - y) ** 2 + (COLUMNS - x) ** 2 < radius**2)


DOT = disc(50, 50, 2)


def clean_task(root: Path) -> Task:
    """Make a task without findings: 30 images, 10 in each split, with two discs and a ring each."""
    splits = {}
    for n, split in enumerate(("train", "val", "test")):
        records = []
        for i in range(10):
            path = save(root / f"{split}{i}.png", scene(100 * n + i))
            ring = disc(90, 40) & ~disc(90, 40, 8)
            masks = [(disc(30, 30 + i), "disc"), (disc(60, 90 - i), "disc"), (ring, "ring")]
            instances = tuple(instance(3 * i + k, mask, label) for k, (mask, label) in enumerate(masks))
            records.append(ImageRecord(path, SIDE, SIDE, instances))
        splits[split] = tuple(records)
    return Task("t", root, "made up", ("disc", "ring"), splits)


def with_split(task: Task, split: str, records: tuple[ImageRecord, ...]) -> Task:
    """Return the task with other images in a split."""
    return replace(task, splits={**task.splits, split: records})


def with_instances(task: Task, *masks: np.ndarray, label: str = "disc", crowd: bool = False) -> Task:
    """Return the task with more instances on the first image of train."""
    first, *others = task.splits["train"]
    more = tuple(instance(1000 + k, mask, label, crowd) for k, mask in enumerate(masks))
    return with_split(task, "train", (replace(first, instances=first.instances + more), *others))


def with_image(task: Task, split: str, path: Path, pixels: np.ndarray | None = None, **options: object) -> Task:
    """Return the task with one more image at the end of a split, with the instances of the split's first image."""
    if pixels is not None:
        save(path, pixels, **options)
    width, height = Image.open(path).size
    record = ImageRecord(path, width, height, tuple(replace(i, id=i.id + 5000) for i in task.split(split)[0].instances))
    return with_split(task, split, (*task.splits[split], record))


def codes(task: Task) -> list[str]:
    """Return the codes of all findings."""
    return [finding.code for finding in inspect_task(task).findings]


def finding_of(task: Task, code: str) -> Finding:
    """Return the only finding with a code."""
    findings = [finding for finding in inspect_task(task).findings if finding.code == code]
    assert len(findings) == 1, codes(task)
    return findings[0]
