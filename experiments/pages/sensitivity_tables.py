"""Tables of prompt sensitivity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments.pages.markdown import table
from experiments.records.lines import Lines
from experiments.records.rows import Row
from experiments.specs.run import Measure
from samtailor.evaluation.corrective import WITH_MASKS

__all__ = ["sensitivity_tables"]

_FIGURES = ("mean", "spread", "worst", "p10", "unstable")


def sensitivity_tables(rows: Sequence[Row], measure: Measure, lines: Lines) -> Iterator[str]:
    """A table over all prompts and one of corrective clicks; nothing of what was not measured."""
    studies = [(row, s) for row in rows if (s := _studies(row, measure, lines))]
    varied = [(row, v) for row, each in studies if (v := [s for s in each if row.evaluation_row in s["methods"]])]
    if varied:
        example = varied[0][1][0]
        yield f"Prompts varied on {example['instances']} instances of {example['images']} images:"
        yield ""
        entries = []
        for row, each in varied:
            groups = [study["methods"][row.evaluation_row]["groups"]["all"] for study in each]
            entries.append([row.label, *(_estimate([group[name] for group in groups]) for name in _FIGURES)])
        yield from table(["all prompts", *_FIGURES], entries)
        yield ""
    clicked = [(row, each) for row, each in studies if row.evaluation_row in ("adapted", "base-single")]
    if not clicked:
        return
    example = clicked[0][1][0]
    targets = list(example["clicks_to_quality"]["targets"])
    yield f"Corrective clicks, on {example['instances']} instances of {example['images']} images:"
    yield ""
    yield from table(
        ["corrective clicks needed for", *(f"IoU {target}" for target in targets)],
        [
            [row.label + end, *(_clicks(each, target, row.evaluation_row + end) for target in targets)]
            for row, each in clicked
            for end in ("", WITH_MASKS)
            if all(row.evaluation_row + end in study["clicks_to_quality"]["targets"][targets[0]] for study in each)
        ],
    )
    yield ""


def _studies(row: Row, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
    """The studies of each finished run with figures of this row; none for the row ``base-oracle``."""
    studies = [e["sensitivity"] for e in row.evaluations(measure, lines) if e.get("sensitivity")]
    return [s for s in studies if any(row.evaluation_row in t for t in s["clicks_to_quality"]["targets"].values())]


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
