"""Format scores, differences and the state of runs as the text of a table entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.records.lines import Lines
from experiments.records.rows import Row, difference_id
from experiments.specs.run import Measure, Run

__all__ = [
    "NOT_RUN",
    "SCORE_NAMES",
    "difference_text",
    "estimate_text",
    "missing_runs",
    "run_state",
    "score_text",
    "score_value",
]

SCORE_NAMES = {
    "miou": "mIoU",
    "iou_instances": "IoU of instances",
    "boundary_iou": "boundary IoU",
    "boundary_f1_1": "F1 at 1 px",
    "boundary_f1_3": "F1 at 3 px",
}
NOT_RUN = "not run"


def score_value(evaluation_row: dict[str, Any], score: str) -> float:
    """Return a score from a row of an evaluation, where boundary F1 is stored by tolerance."""
    if score.startswith("boundary_f1"):
        return float(evaluation_row["boundary_f1"][score[-1]])
    return float(evaluation_row[score])


def run_state(run: Run, lines: Lines) -> str:
    """Why a run has no scores: ``not run`` or ``failed``; empty for a finished run."""
    line = lines.of_run(run)
    if line is None:
        return NOT_RUN
    return "" if line["status"] == "done" else "failed"


def missing_runs(runs: list[Run], lines: Lines) -> str:
    """How many of these runs have no scores, such as ``1 of 3 not run``; empty if all have."""
    states = [state for run in runs if (state := run_state(run, lines))]
    if len(states) == len(runs) == 1:
        return states[0]
    return ", ".join(f"{states.count(state)} of {len(runs)} {state}" for state in dict.fromkeys(states))


def score_text(row: Row, measure: Measure, score: str, lines: Lines) -> str:
    """The mean over seeds ± their standard deviation; for one run, its score and the interval over images."""
    runs = row.runs_with(measure)
    if not runs:
        return ""
    evaluated, missing = row.scores(measure, lines), missing_runs(runs, lines)
    if not evaluated:
        return missing
    values = [score_value(r, score) for r in evaluated]
    text = f"{np.mean(values):.3f}"
    if len(values) > 1:
        text += f" ± {np.std(values, ddof=1):.3f}"
    elif (interval := evaluated[0].get(f"{score}_interval")) is not None:
        text += f" ({interval[0]:.3f} to {interval[1]:.3f})"
    return f"{text}; {missing}" if missing else text


def difference_text(row: Row, reference: Row | None, measure: Measure, score: str, lines: Lines) -> str:
    """The paired difference with its interval, and the difference of each seed; empty for the reference row."""
    if reference is None or not row.runs_with(measure) or not reference.runs_with(measure):
        return ""
    if not (row.finished_lines(measure, lines) and reference.finished_lines(measure, lines)):
        return missing_runs(row.runs_with(measure), lines) or missing_runs(reference.runs_with(measure), lines)
    line = lines.get("difference", difference_id(row, reference, measure, lines))
    if line is None:
        return "not compared"
    return estimate_text(line["scores"][score])


def estimate_text(difference: dict[str, Any]) -> str:
    """Format one score of ``paired_differences``."""
    low, high = difference["interval"]
    text = f"{difference['value']:+.3f} ({low:+.3f} to {high:+.3f})"
    seeds = ", ".join(f"{value:+.3f}" for value in difference.get("by_seed", ()))
    return f"{text}; by seed {seeds}" if seeds else text
