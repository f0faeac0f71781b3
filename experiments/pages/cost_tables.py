"""What runs cost: time, steps and parameters, out of their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.pages.formatting import missing, state
from experiments.pages.markdown import grid
from experiments.records.lines import Lines
from experiments.records.rows import Section
from experiments.specs.config import Config
from experiments.specs.settings import BASE
from samtailor.cli.progress import duration

__all__ = ["costs", "fits_table"]


def fits_table(found: Sequence[Section], lines: Lines) -> Iterator[str]:
    """A row for each method of each task that has a finished run; empty where nothing is fitted."""
    cells = []
    for section in found:
        for row in section.rows:
            runs = [r for r in row.runs if r.method != BASE]
            done = [line for r in runs if (line := lines.of_run(r)) and line["status"] == "done"]
            if done:
                cells.append([section.title, row.label, *_fit(done, missing(list(runs), lines))])
    if cells:
        columns = "seeds|precision|fit|measures|steps|best step|val mIoU, base|adapted|trained|kept"
        yield "Means over seeds; fit and measures: time, the shortest to the longest; trained and kept: parameters."
        yield ""
        yield from grid(["", "", *columns.split("|")], cells)
        yield ""


def _fit(done: list[dict[str, Any]], lacking: str) -> list[str]:
    fits = [line["fit"] for line in done]
    size = fits[0]["parameters"]
    val = [np.mean([f["val"][who]["miou"] for f in fits]) for who in ("base", "adapted")]
    return [
        f"{len(fits)}; {lacking}" if lacking else str(len(fits)),
        ", ".join(dict.fromkeys(f["config"]["precision"] for f in fits)),
        _range([f["seconds"] for f in fits]),
        _range([_measuring(line) for line in done]),
        *(f"{np.mean([f[key] for f in fits]):.0f}" for key in ("steps", "best_step")),
        *(f"{v:.3f}" for v in val),
        f"{size['trained']:,}",
        f"{size['kept']:,}",
    ]


def _range(seconds: Sequence[float]) -> str:
    """Not their mean: machines, precisions and what else was under way differ."""
    return " to ".join(dict.fromkeys(duration(found) for found in (min(seconds), max(seconds))))


def _measuring(line: dict[str, Any]) -> float:
    return sum(float(m["seconds"]) for m in line["measures"])


def costs(configs: Sequence[Config], results: Mapping[str, Lines]) -> Iterator[str]:
    """A row for each config: how long its fits and measures took; what several configs share counts in the first."""
    cells, counted = [], set()
    for config in configs:
        lines = results[config.name]
        done = [(r, line) for r in config.runs if not state(r, lines) and (line := lines.of_run(r))]
        fits = {r.fit_id: float(line["fit"]["seconds"]) for r, line in done if line["fit"]}
        measures = {(r.fit_id, m["id"]): float(m["seconds"]) for r, line in done for m in line["measures"]}
        sums = [sum(v for k, v in found.items() if k not in counted) for found in (fits, measures)]
        counted |= {*fits, *measures}
        if done:
            cells.append([config.name, f"{len(done)} of {len(config.runs)}", *map(duration, sums)])
    yield from grid(["", "runs", "fits", "measures"], cells)
