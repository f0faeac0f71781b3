"""Scores of single instances, in small files beside the lines and committed like them: differences need no adapter."""

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
    """One instance under one prompt: the name of its class, and by method its ``SCORES``, 0..1."""

    label: str
    scores: Mapping[str, Mapping[str, float]]


def instances_folder(results: Path) -> Path:
    """Where they lie beside the lines."""
    return results / "instances"


def write_instances(folder: Path, stem: str, found: Iterable[InstanceScore]) -> str:
    """A compressed CSV in ``folder``, a row for each instance, prompt and method; its name.

    The name is ``stem`` and a digest of the content, so that no other fit of the same settings, on another machine or
    in another folder, takes the place of the file that a line rests on.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*_KEY, *SCORES])
    for one in found:
        for method, s in one.scores.items():
            values = (s.iou, s.boundary_iou, *s.boundary_f1)
            key = (one.image, one.instance, one.repeat, one.label, method)
            table.writerow([*key, *(f"{round(v, _DIGITS):g}" for v in values)])
    content = text.getvalue().encode()
    name = f"{stem}-{hashlib.blake2b(content, digest_size=5).hexdigest()}.csv.gz"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, gzip.compress(content, mtime=0))
    return name


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
