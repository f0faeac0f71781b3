"""What runs cost: time, steps and parameters, out of their lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.cells import missing, state
from experiments.config import Config
from experiments.grid import grid
from experiments.groups import Section
from experiments.lines import Lines
from experiments.settings import BASE
from samtailor.cli.progress import duration

__all__ = ["costs", "fits_table"]


def fits_table(found: Sequence[Section], lines: Lines) -> Iterator[str]:
    """A row for each method of each task that has a finished run; empty where nothing is fitted."""
    cells = []
    for section in found:
        for row in section.rows:
            runs = [r for r in row.runs if r.method != BASE]
            done = [line for r in runs if (line := lines.get("run", r.id)) and line["status"] == "done"]
            if done:
                cells.append([section.title, row.label, *_fit(done, missing(list(runs), lines))])
    if cells:
        columns = "seeds|precision|fit|measures|steps|best step|val mIoU, base|adapted|trained|kept"
        yield "Means over seeds; fit and measures: time; trained and kept: parameters."
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
        duration(float(np.mean([f["seconds"] for f in fits]))),
        duration(float(np.mean([_measuring(line) for line in done]))),
        *(f"{np.mean([f[key] for f in fits]):.0f}" for key in ("steps", "best_step")),
        *(f"{v:.3f}" for v in val),
        f"{size['trained']:,}",
        f"{size['kept']:,}",
    ]


def _measuring(line: dict[str, Any]) -> float:
    return sum(float(m["seconds"]) for m in line["measures"])


def costs(configs: Sequence[Config], results: Path) -> Iterator[str]:
    """A row for each config: its runs, and how long fits and measures took, as each line says for its machine."""
    cells = []
    for config in configs:
        lines = Lines(results / f"{config.name}.jsonl")
        done = [line for r in config.runs if not state(r, lines) and (line := lines.get("run", r.id))]
        fits = sum(float(line["fit"]["seconds"]) for line in done if line["fit"])
        measures = sum(_measuring(line) for line in done)
        if done:
            cells.append([config.name, f"{len(done)} of {len(config.runs)}", duration(fits), duration(measures)])
    yield from grid(["", "runs", "fits", "measures"], cells)
