"""Load the task of a run or a measure with its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.specs.run import Measure, Run
from samtailor.data import Task, drop_duplicates, find_duplicates, load_task
from samtailor.data.load import SAMPLE
from samtailor.data.regroup import image_name
from samtailor.data.task import ImageRecord
from samtailor.errors import DataError
from samtailor.evaluation.classmap import apply_map, parse_map

__all__ = ["Tasks"]


class Tasks:
    """Loads tasks from the folder ``data`` and keeps the last few, because consecutive runs often share a task."""

    def __init__(self, data: Path | None) -> None:
        self.data = data
        self._loaded: dict[str, Task] = {}

    def missing(self, runs: Sequence[Run]) -> list[str]:
        """Names of tasks of these runs that do not exist."""
        names = {r["task"] for r in runs} | {m["task"] for r in runs for m in r.measures if m["task"]}
        return sorted(n for n in names if n != SAMPLE and (self.data is None or not (self.data / n).exists()))

    def whole(self, run: Run) -> Task:
        """The run's task with the run's classes and all training images."""
        options = {"split_by": run["split_by"], "seed": run["split_seed"], "format": run["format"]}
        task = self._load(run["task"], run["drop_duplicates"], boxes_as_masks=run["boxes_as_masks"], **options)
        entries = [f"{run['class']}={run['class']}"] if run["class"] else run["class_map"]
        return apply_map(task, parse_map(entries)) if entries else task

    def for_fit(self, run: Run) -> Task:
        """The run's task with the run's share of the training images."""
        task = self.whole(run)
        share = run["train_fraction"]
        if share == 1:
            return task
        train = some_images(task.split("train"), share, run["seed"], lambda record: image_name(record, task))
        return replace(task, splits=task.splits | {"train": train})

    def for_measure(self, run: Run, measure: Measure) -> Task:
        """The task that a measure evaluates: its own, or the run's."""
        if not measure["task"]:
            return self.whole(run)
        options = {"format": measure["format"], "boxes_as_masks": measure["boxes_as_masks"]}
        return self._load(measure["task"], measure["drop_duplicates"], **options)

    def _load(self, name: str, unique: bool, **options: object) -> Task:
        if name != SAMPLE and self.data is None:
            raise DataError(f"The task {name!r} needs a data folder.", "Give the folder with --data.")
        key = repr((name, unique, sorted(options.items())))
        if key not in self._loaded:
            path = SAMPLE if name == SAMPLE or self.data is None else str(self.data / name)
            task = load_task(path, **options)  # type: ignore[arg-type]  # the options of Run and Measure
            if unique:
                task = drop_duplicates(task, [d for d in find_duplicates(task) if d.kind == "bytes"])
            self._loaded = dict([*self._loaded.items(), (key, task)][-3:])
        return self._loaded[key]


def some_images(
    images: Sequence[ImageRecord], share: float, seed: int, name: Callable[[ImageRecord], str]
) -> tuple[ImageRecord, ...]:
    """Return a share of the shuffled images, at least one; with one seed, a larger share contains a smaller one."""
    ordered = sorted(images, key=name)
    order = np.random.default_rng([seed, len(ordered)]).permutation(len(ordered))
    return tuple(ordered[k] for k in order[: max(1, round(share * len(ordered)))])
