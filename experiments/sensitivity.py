"""Tables of prompt sensitivity, where it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments.groups import Row
from experiments.lines import Lines
from experiments.run import Measure

__all__ = ["sensitivity_tables"]

_FIGURES = ("mean", "spread", "worst", "p10", "unstable")


def sensitivity_tables(rows: Sequence[Row], measure: Measure, lines: Lines) -> Iterator[str]:
    """A table over all prompts and one of corrective clicks; one run: with interval, several: mean ± deviation."""
    found = {row.label: (row, s) for row in rows if (s := _found(row, measure, lines))}
    if not found:
        return
    some = next(iter(found.values()))[1][0]
    yield f"Prompts varied on {some['instances']} instances of {some['images']} images:"
    yield ""
    yield "| all prompts | " + " | ".join(_FIGURES) + " |"
    yield "|---|" + "---|" * len(_FIGURES)
    for label, (row, each) in found.items():
        groups = [s["methods"][row.shown]["groups"]["all"] for s in each]
        yield f"| {label} | " + " | ".join(_cell([g[k] for g in groups]) for k in _FIGURES) + " |"
    yield ""
    targets = list(some["clicks_to_quality"]["targets"])
    clicked = {n: (r, each) for n, (r, each) in found.items() if r.shown in ("adapted", "base-single")}
    yield "| corrective clicks to | " + " | ".join(f"IoU {t}" for t in targets) + " |"
    yield "|---|" + "---|" * len(targets)
    for label, (row, each) in clicked.items():
        cells = [[s["clicks_to_quality"]["targets"][t][row.shown] for s in each] for t in targets]
        texts = [
            f"{np.mean([c['mean'] for c in c_]):.1f} ({np.mean([c['failures'] for c in c_]):.0f} failures)"
            for c_ in cells
        ]
        yield f"| {label} | " + " | ".join(texts) + " |"
    yield ""


def _found(row: Row, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
    """Sensitivity of each finished run; the oracle row has none."""
    each = [m for line in row.done(measure, lines) for m in line["measures"] if m["id"] == measure.id]
    return [m["sensitivity"] for m in each if row.shown in m.get("sensitivity", {}).get("methods", {})]


def _cell(estimates: list[dict[str, Any]]) -> str:
    values = [e["value"] for e in estimates]
    if len(values) > 1:
        return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    low, high = estimates[0]["interval"]
    return f"{values[0]:.3f} ({low:.3f} to {high:.3f})"
