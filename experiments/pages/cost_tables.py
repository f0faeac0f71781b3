"""Tables of the cost of runs: time, steps and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.pages.formatting import missing_runs, run_state
from experiments.pages.markdown import table
from experiments.records.lines import Lines
from experiments.records.rows import Section
from experiments.specs.config import Config
from experiments.specs.settings import BASE
from samtailor.cli.progress import duration

__all__ = ["costs_table", "fits_table"]

_FIT_COLUMNS = (
    "seeds",
    "precision",
    "fit time",
    "evaluation time",
    "steps",
    "best step",
    "val mIoU, base",
    "val mIoU, adapted",
    "parameters trained",
    "parameters saved",
)


def fits_table(sections: Sequence[Section], lines: Lines) -> Iterator[str]:
    """A table with a row for each method of each task that has a finished fit; nothing without fits."""
    rows = []
    for section in sections:
        for row in section.rows:
            runs = [r for r in row.runs if r.method != BASE]
            done = [line for r in runs if (line := lines.of_run(r)) and line["status"] == "done"]
            if done:
                rows.append([section.title, row.label, *_fit(done, missing_runs(runs, lines))])
    if rows:
        yield "Numbers are means over seeds; times are the shortest and the longest."
        yield ""
        yield from table(["task", "method", *_FIT_COLUMNS], rows)
        yield ""


def _fit(done: list[dict[str, Any]], missing: str) -> list[str]:
    fits = [line["fit"] for line in done]
    parameters = fits[0]["parameters"]
    val = [np.mean([f["val"][model]["miou"] for f in fits]) for model in ("base", "adapted")]
    return [
        f"{len(fits)}; {missing}" if missing else str(len(fits)),
        ", ".join(dict.fromkeys(f["config"]["precision"] for f in fits)),
        _time_range([f["seconds"] for f in fits]),
        _time_range([_evaluation_seconds(line) for line in done]),
        *(f"{np.mean([f[key] for f in fits]):.0f}" for key in ("steps", "best_step")),
        *(f"{v:.3f}" for v in val),
        f"{parameters['trained']:,}",
        f"{parameters['kept']:,}",
    ]


def _time_range(seconds: Sequence[float]) -> str:
    """The shortest and the longest time, not the mean: machines, precisions and their other load differ."""
    return " to ".join(dict.fromkeys(duration(s) for s in (min(seconds), max(seconds))))


def _evaluation_seconds(line: dict[str, Any]) -> float:
    return sum(float(m["seconds"]) for m in line["measures"])


def costs_table(configs: Sequence[Config], results: Mapping[str, Lines]) -> Iterator[str]:
    """A table of the time of each config's fits and evaluations; the first of several configs counts a shared one."""
    rows, counted = [], set()
    for config in configs:
        lines = results[config.name]
        done = [(r, line) for r in config.runs if not run_state(r, lines) and (line := lines.of_run(r))]
        fits = {r.fit_id: float(line["fit"]["seconds"]) for r, line in done if line["fit"]}
        measures = {(r.fit_id, m["id"]): float(m["seconds"]) for r, line in done for m in line["measures"]}
        totals = [sum(s for key, s in seconds.items() if key not in counted) for seconds in (fits, measures)]
        counted |= {*fits, *measures}
        if done:
            rows.append([config.name, f"{len(done)} of {len(config.runs)}", *map(duration, totals)])
    yield from table(["config", "runs", "fits", "evaluations"], rows)
