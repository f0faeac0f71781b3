"""What stands in one cell of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.records.lines import Lines
from experiments.records.rows import Row, difference_id
from experiments.specs.run import Measure, Run

__all__ = ["NAMES", "difference", "missing", "score", "score_of", "shown_difference", "state"]

NAMES = {
    "miou": "mIoU",
    "iou_instances": "IoU of instances",
    "boundary_iou": "boundary IoU",
    "boundary_f1_1": "F1 at 1 px",
    "boundary_f1_3": "F1 at 3 px",
}
NOT_RUN = "not run"


def score_of(found: dict[str, Any], name: str) -> float:
    """A score of the library's row; the boundary F1 stands there by tolerance."""
    return float(found["boundary_f1"][name[-1]] if name.startswith("boundary_f1") else found[name])


def state(run: Run, lines: Lines) -> str:
    """Empty for a finished run; else why it has no figures."""
    line = lines.of_run(run)
    if line is None:
        return NOT_RUN
    return "" if line["status"] == "done" else "failed"


def missing(runs: list[Run], lines: Lines) -> str:
    """How many of these runs have no figures; empty if all have."""
    states = [s for r in runs if (s := state(r, lines))]
    if len(states) == len(runs) == 1:
        return states[0]
    return ", ".join(f"{states.count(s)} of {len(runs)} {s}" for s in dict.fromkeys(states))


def score(row: Row, measure: Measure, name: str, lines: Lines) -> str:
    """Mean over seeds ± their standard deviation, or one run's figure with its interval."""
    asked = row.asked(measure)
    if not asked:
        return ""
    found, lacking = row.scores(measure, lines), missing(asked, lines)
    if not found:
        return lacking
    values = [score_of(f, name) for f in found]
    text = f"{np.mean(values):.3f}"
    if len(values) > 1:
        text += f" ± {np.std(values, ddof=1):.3f}"
    elif (interval := found[0].get(f"{name}_interval")) is not None:
        text += f" ({interval[0]:.3f} to {interval[1]:.3f})"
    return f"{text}; {lacking}" if lacking else text


def difference(row: Row, over: Row | None, measure: Measure, name: str, lines: Lines) -> str:
    """Paired, with its interval, and of several seeds the difference of each; empty for the reference row itself."""
    if over is None or not row.asked(measure) or not over.asked(measure):
        return ""
    if not (row.done(measure, lines) and over.done(measure, lines)):
        return missing(row.asked(measure), lines) or missing(over.asked(measure), lines)
    line = lines.get("difference", difference_id(row, over, measure, lines))
    if line is None:
        return "not compared"
    return shown_difference(line["scores"][name])


def shown_difference(found: dict[str, Any]) -> str:
    """``found`` as ``differences.paired`` makes it for one score."""
    text = f"{found['value']:+.3f} ({found['interval'][0]:+.3f} to {found['interval'][1]:+.3f})"
    seeds = ", ".join(f"{value:+.3f}" for value in found.get("by_seed", ()))
    return f"{text}; by seed {seeds}" if seeds else text
