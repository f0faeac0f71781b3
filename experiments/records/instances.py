"""Read and write the scores of single instances, in small committed files beside the lines.

With them, rows can be compared without their adapters.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from samtailor.evaluation.scoring import InstanceScore
from samtailor.machine.files import write_atomically

__all__ = ["SCORES", "Instance", "instances_folder", "read_instances", "write_instances"]

SCORES = ("iou", "boundary_iou", "boundary_f1_1", "boundary_f1_3")
_KEY = ("image", "instance", "repeat", "label", "method")
_DIGITS = 5


@dataclass(frozen=True)
class Instance:
    """The scores of one instance under one prompt.

    Attributes:
        label: name of its class.
        scores: method -> name in ``SCORES`` -> score, 0..1.
    """

    label: str
    scores: Mapping[str, Mapping[str, float]]


def instances_folder(results: Path) -> Path:
    """The folder of these files."""
    return results / "instances"


def write_instances(folder: Path, stem: str, instances: Iterable[InstanceScore]) -> str:
    """Write a compressed CSV file with a row for each instance, prompt and method.

    The file name is ``stem`` and a hash of the content. So another fit with the same settings, on another machine or in
    another folder, never overwrites a file that a line names.

    Returns:
        The file name.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*_KEY, *SCORES])
    for instance in instances:
        for method, s in instance.scores.items():
            values = (s.iou, s.boundary_iou, *s.boundary_f1)
            key = (instance.image, instance.instance, instance.repeat, instance.label, method)
            table.writerow([*key, *(f"{round(v, _DIGITS):g}" for v in values)])
    content = text.getvalue().encode()
    name = f"{stem}-{hashlib.blake2b(content, digest_size=5).hexdigest()}.csv.gz"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, gzip.compress(content, mtime=0))
    return name


def read_instances(path: Path) -> dict[tuple[str, int, int], Instance] | None:
    """Read (image, instance, repeat) -> scores; None if the file does not exist."""
    if not path.is_file():
        return None
    instances: dict[tuple[str, int, int], Instance] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            key = row["image"], int(row["instance"]), int(row["repeat"])
            scores = {} if key not in instances else dict(instances[key].scores)
            scores[row["method"]] = {name: float(row[name]) for name in SCORES}
            instances[key] = Instance(row["label"], scores)
    return instances
