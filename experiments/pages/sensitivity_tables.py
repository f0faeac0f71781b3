"""Tables of prompt sensitivity, where it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments.pages.markdown import grid
from experiments.records.lines import Lines
from experiments.records.rows import Row
from experiments.specs.run import Measure

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
    groups = {n: [s["methods"][row.shown]["groups"]["all"] for s in each] for n, (row, each) in found.items()}
    yield from grid(
        ["all prompts", *_FIGURES],
        [[n, *(_cell([g[k] for g in each]) for k in _FIGURES)] for n, each in groups.items()],
    )
    yield ""
    targets = list(some["clicks_to_quality"]["targets"])
    clicked = {n: (r, each) for n, (r, each) in found.items() if r.shown in ("adapted", "base-single")}
    yield from grid(
        ["corrective clicks to", *(f"IoU {t}" for t in targets)],
        [[n, *(_clicks(each, t, row.shown) for t in targets)] for n, (row, each) in clicked.items()],
    )
    yield ""


def _clicks(each: list[dict[str, Any]], target: str, shown: str) -> str:
    cells = [s["clicks_to_quality"]["targets"][target][shown] for s in each]
    return f"{np.mean([c['mean'] for c in cells]):.1f} ({np.mean([c['failures'] for c in cells]):.0f} failures)"


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
