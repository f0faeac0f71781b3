"""Scores of single instances, in small files beside the lines and committed like them: differences need no adapter."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.run import Measure, Run
from samtailor.files import write_atomically
from samtailor.studies.scoring import InstanceScore

__all__ = ["SCORES", "Instance", "instances_file", "read_instances", "write_instances"]

SCORES = ("iou", "boundary_iou", "boundary_f1_1", "boundary_f1_3")
_KEY = ("image", "instance", "repeat", "label", "method")
_DIGITS = 5


@dataclass(frozen=True)
class Instance:
    """One instance under one prompt: the name of its class, and by method its ``SCORES``, 0..1."""

    label: str
    scores: Mapping[str, Mapping[str, float]]


def instances_file(results: Path, run: Run, asked: Measure) -> Path:
    """Where those of a run's measure lie."""
    return results / "instances" / f"{run.folder}-{asked.id}.csv.gz"


def write_instances(path: Path, found: Iterable[InstanceScore]) -> None:
    """A compressed CSV: a row for each instance, prompt and method; the same scores give the same bytes."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*_KEY, *SCORES])
    for one in found:
        for method, s in one.scores.items():
            values = (s.iou, s.boundary_iou, *s.boundary_f1)
            key = (one.image, one.instance, one.repeat, one.label, method)
            table.writerow([*key, *(f"{round(v, _DIGITS):g}" for v in values)])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, gzip.compress(text.getvalue().encode(), mtime=0))


def read_instances(path: Path) -> dict[tuple[str, int, int], Instance] | None:
    """(image, instance, repeat) -> its scores; None where there is no such file."""
    if not path.is_file():
        return None
    found: dict[tuple[str, int, int], Instance] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            key = row["image"], int(row["instance"]), int(row["repeat"])
            scores = {} if key not in found else dict(found[key].scores)
            scores[row["method"]] = {name: float(row[name]) for name in SCORES}
            found[key] = Instance(row["label"], scores)
    return found
