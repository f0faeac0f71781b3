"""Rows against the row that a config compares with: paired, over the same prompts and the same resampled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.log import log
from experiments.records.instances import SCORES, Instance, instances_folder, read_instances
from experiments.records.lines import Lines
from experiments.records.rows import Row, Section, difference_id, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from experiments.specs.settings import ConfigError
from samtailor.metrics import mean_over_classes, mean_over_instances
from samtailor.metrics.bootstrap import Estimate, Resampler

__all__ = ["add_differences", "compared", "paired"]

_MEANS = {"iou_instances": "iou"} | {name: name for name in ("boundary_iou", "boundary_f1_1", "boundary_f1_3")}

_Table = dict[tuple[str, int, int], list[Instance]]
"""(image, instance, repeat) -> its scores in each run of a row."""


def add_differences(config: Config, lines: Lines, results: Path) -> None:
    """Write a line for each row, measure and set of finished runs that has none yet.

    Seeds that both rows have are averaged first, instance by instance; rows of the base have no seed.
    """
    for section in sections(config, lines):
        for row in section.rows:
            over = section.reference(row)
            if over is None:
                continue
            for measure in section.measures:
                _add(section, row, over, measure, lines, results)


def _add(section: Section, row: Row, over: Row, measure: Measure, lines: Lines, results: Path) -> None:
    ours, theirs = row.paired_with(over, measure, lines)
    if not ours or not theirs:
        return
    id = difference_id(row, over, measure, lines)
    if lines.get("difference", id):
        return
    try:
        scores = compared(row, over, measure, lines, results)
    except ConfigError as error:
        log(f"  {section.title}: {row.label} - {over.label}: {error}")
        return
    if scores is None:
        log(f"  {section.title}: {row.label} - {over.label}: not compared, no scores of single instances in {results}")
        return
    lines.add(
        {
            "kind": "difference",
            "id": id,
            "section": section.title,
            "row": row.label,
            "over": over.label,
            "measure": measure.id,
            "runs": [r.id for r in ours],
            "over_runs": [r.id for r in theirs],
            "scores": scores,
        }
    )


def compared(row: Row, over: Row, measure: Measure, lines: Lines, results: Path) -> dict[str, Any] | None:
    """``paired`` for two rows with finished runs; None where a run has no scores of single instances in ``results``.

    Raises:
        ConfigError: as ``paired``.
    """
    sides = zip((row, over), row.paired_with(over, measure, lines), strict=True)
    ours, theirs = (_table(side.instances(runs, measure, lines), results) for side, runs in sides)
    return paired(ours, row.shown, theirs, over.shown) if ours and theirs else None


def _table(names: Sequence[str], results: Path) -> _Table | None:
    found: _Table = {}
    for name in names:
        instances = read_instances(instances_folder(results) / name)
        if instances is None:
            return None
        for key, instance in instances.items():
            found.setdefault(key, []).append(instance)
    return found


def paired(ours: _Table, shown: str, theirs: _Table, over: str) -> dict[str, Any]:
    """Mean difference of each score with its 95 % interval over images; of several seeds also each one's difference.

    Args:
        ours: scores by instance, one of each run.
        shown: the library's method whose scores count in ``ours``: ``adapted``, or a row of the base.
        theirs: of the same instances.
        over: as ``shown``.

    Raises:
        ConfigError: they are not of the same instances.
    """
    if ours.keys() != theirs.keys():
        raise ConfigError(
            f"The rows are of {len(ours)} and {len(theirs)} instances; both have {len(ours.keys() & theirs.keys())}.",
            "The data changed between the runs: remove the older run's line and instances, and run again.",
        )
    keys = sorted(ours)
    resampler = Resampler([image for image, _, _ in keys])

    labels = [ours[k][0].label for k in keys]
    sides = (_values(ours, keys, shown), _values(theirs, keys, over))
    found: dict[str, Any] = {"n": len(keys)}
    for name, score in (_MEANS | {"miou": "iou"}).items():
        one, other = (side[score] for side in sides)  # (instances, runs) each
        change = one.mean(1) - other.mean(1)
        whole = resampler.mean_over_classes(change, labels) if name == "miou" else resampler.mean(change)
        found[name] = Estimate.of(whole).to_dict()
        if one.shape[1] > 1 and one.shape == other.shape:
            each = (one - other).T
            by_seed = [mean_over_classes(e, labels) if name == "miou" else mean_over_instances(e) for e in each]
            found[name]["by_seed"] = [round(value, 6) for value in by_seed]
    return found


def _values(table: _Table, keys: Sequence[tuple[str, int, int]], method: str) -> dict[str, np.ndarray]:
    """Score -> (instances, runs)."""
    return {s: np.array([[i.scores[method][s] for i in table[k]] for k in keys]) for s in SCORES}
