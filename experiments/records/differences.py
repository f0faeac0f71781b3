"""Compare rows with the reference row of their config.

Differences are paired: both rows have the same prompts and the same resampled images.
"""

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

__all__ = ["add_differences", "compare_rows", "paired_differences"]

_MEANS = {"iou_instances": "iou"} | {name: name for name in ("boundary_iou", "boundary_f1_1", "boundary_f1_3")}

_Table = dict[tuple[str, int, int], list[Instance]]
"""(image, instance, repeat) -> the scores of the instance in each run of a row."""


def add_differences(config: Config, lines: Lines, results: Path) -> None:
    """Add a line for each comparison of finished runs that has none yet.

    Scores are averaged over the seeds that both rows have, instance by instance; rows of the base have no seed.
    """
    for section in sections(config, lines):
        for row in section.rows:
            reference = section.reference(row)
            if reference is None:
                continue
            for measure in section.measures:
                _add(section, row, reference, measure, lines, results)


def _add(section: Section, row: Row, reference: Row, measure: Measure, lines: Lines, results: Path) -> None:
    runs, reference_runs = row.paired_runs(reference, measure, lines)
    if not runs or not reference_runs:
        return
    id = difference_id(row, reference, measure, lines)
    if lines.get("difference", id):
        return
    title = f"  {section.title}: {row.label} - {reference.label}"
    try:
        scores = compare_rows(row, reference, measure, lines, results)
    except ConfigError as error:
        log(f"{title}: {error}")
        return
    if scores is None:
        log(f"{title}: not compared, because scores of single instances are missing in {results}")
        return
    lines.add(
        {
            "kind": "difference",
            "id": id,
            "section": section.title,
            "row": row.label,
            "over": reference.label,
            "measure": measure.id,
            "runs": [r.id for r in runs],
            "over_runs": [r.id for r in reference_runs],
            "scores": scores,
        }
    )


def compare_rows(row: Row, reference: Row, measure: Measure, lines: Lines, results: Path) -> dict[str, Any] | None:
    """Compute the paired differences of two rows with finished runs.

    Returns:
        As ``paired_differences``; None if scores of single instances are missing in ``results``.

    Raises:
        ConfigError: as ``paired_differences``.
    """
    sides = zip((row, reference), row.paired_runs(reference, measure, lines), strict=True)
    table, reference_table = (_table(side.instance_files(runs, measure, lines), results) for side, runs in sides)
    if not table or not reference_table:
        return None
    return paired_differences(table, row.evaluation_row, reference_table, reference.evaluation_row)


def _table(names: Sequence[str], results: Path) -> _Table | None:
    table: _Table = {}
    for name in names:
        instances = read_instances(instances_folder(results) / name)
        if instances is None:
            return None
        for key, instance in instances.items():
            table.setdefault(key, []).append(instance)
    return table


def paired_differences(table: _Table, evaluation_row: str, reference: _Table, reference_row: str) -> dict[str, Any]:
    """Compute the mean difference of each score with its 95 % interval over images.

    If there are several seeds, add the difference of each seed as ``by_seed``.

    Args:
        table: the scores of each instance, one item for each run.
        evaluation_row: the row of the evaluations that is used from ``table``: ``adapted``, or a row of the base.
        reference: the scores to compare with.
        reference_row: the row that is used from ``reference``.

    Raises:
        ConfigError: if the two tables do not have the same instances.
    """
    if table.keys() != reference.keys():
        common = table.keys() & reference.keys()
        raise ConfigError(
            f"The rows have {len(table)} and {len(reference)} instances; {len(common)} are in both.",
            "The data changed between the runs: remove the line and the instances of the older run, then run it again.",
        )
    keys = sorted(table)
    resampler = Resampler([image for image, _, _ in keys])

    labels = [table[k][0].label for k in keys]
    sides = (_values(table, keys, evaluation_row), _values(reference, keys, reference_row))
    differences: dict[str, Any] = {"n": len(keys)}
    for name, score in (_MEANS | {"miou": "iou"}).items():
        values, reference_values = (side[score] for side in sides)  # (instances, runs) each
        change = values.mean(1) - reference_values.mean(1)
        whole = resampler.mean_over_classes(change, labels) if name == "miou" else resampler.mean(change)
        differences[name] = Estimate.of(whole).to_dict()
        if values.shape[1] > 1 and values.shape == reference_values.shape:
            each = (values - reference_values).T
            by_seed = [mean_over_classes(e, labels) if name == "miou" else mean_over_instances(e) for e in each]
            differences[name]["by_seed"] = [round(value, 6) for value in by_seed]
    return differences


def _values(table: _Table, keys: Sequence[tuple[str, int, int]], method: str) -> dict[str, np.ndarray]:
    """Return score -> array (instances, runs)."""
    return {s: np.array([[i.scores[method][s] for i in table[k]] for k in keys]) for s in SCORES}
