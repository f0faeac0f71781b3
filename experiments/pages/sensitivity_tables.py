"""Tables of prompt sensitivity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments.pages.markdown import table
from experiments.records.lines import Lines
from experiments.records.rows import Row
from experiments.specs.run import Measure

__all__ = ["sensitivity_tables"]

_FIGURES = ("mean", "spread", "worst", "p10", "unstable")


def sensitivity_tables(rows: Sequence[Row], measure: Measure, lines: Lines) -> Iterator[str]:
    """A table over all prompts and one of corrective clicks; nothing if sensitivity was not measured."""
    studies = [(row, s) for row in rows if (s := _studies(row, measure, lines))]
    if not studies:
        return
    example = studies[0][1][0]
    yield f"Prompts varied on {example['instances']} instances of {example['images']} images:"
    yield ""
    entries = []
    for row, each in studies:
        groups = [study["methods"][row.evaluation_row]["groups"]["all"] for study in each]
        entries.append([row.label, *(_estimate([group[name] for group in groups]) for name in _FIGURES)])
    yield from table(["all prompts", *_FIGURES], entries)
    yield ""
    targets = list(example["clicks_to_quality"]["targets"])
    yield from table(
        ["corrective clicks needed for", *(f"IoU {target}" for target in targets)],
        [
            [row.label, *(_clicks(each, target, row.evaluation_row) for target in targets)]
            for row, each in studies
            if row.evaluation_row in ("adapted", "base-single")
        ],
    )
    yield ""


def _studies(row: Row, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
    """The sensitivity of each finished run; none for the row ``base-oracle``."""
    evaluations = row.evaluations(measure, lines)
    return [e["sensitivity"] for e in evaluations if row.evaluation_row in e.get("sensitivity", {}).get("methods", {})]


def _clicks(studies: list[dict[str, Any]], target: str, evaluation_row: str) -> str:
    counts = [study["clicks_to_quality"]["targets"][target][evaluation_row] for study in studies]
    return f"{np.mean([c['mean'] for c in counts]):.1f} ({np.mean([c['failures'] for c in counts]):.0f} failures)"


def _estimate(estimates: list[dict[str, Any]]) -> str:
    """The mean over seeds ± their standard deviation; for one run, its value and interval."""
    values = [e["value"] for e in estimates]
    if len(values) > 1:
        return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    if estimates[0]["interval"] is None:  # all instances are on one image
        return f"{values[0]:.3f}"
    low, high = estimates[0]["interval"]
    return f"{values[0]:.3f} ({low:.3f} to {high:.3f})"
