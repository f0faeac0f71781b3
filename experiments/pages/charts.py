"""Draw charts of a config's scores."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.pages.formatting import SCORE_NAMES, score_value
from experiments.records.lines import Lines
from experiments.records.rows import Row, Section, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from samtailor.machine.files import write_atomically

__all__ = ["draw_charts"]

_Panel = tuple[Section, Measure]


def draw_charts(config: Config, lines: Lines, folder: Path) -> list[str]:
    """Write a PNG file for each score that the config shows; panels without a finished run are left out.

    Returns:
        The file names.
    """
    names = []
    for score in config.show:
        panels = [
            (section, measure)
            for section in sections(config, lines)
            for measure in section.measures
            if any(row.finished_lines(measure, lines) for row in section.rows)
        ]
        if not panels:
            continue
        names.append(f"{config.name}_{score}.png")
        write_atomically(folder / names[-1], _figure(config, panels, score, lines))
    return names


def _figure(config: Config, panels: Sequence[_Panel], score: str, lines: Lines) -> bytes:
    columns = min(3, len(panels))
    lanes = -(-len(panels) // columns)
    most_rows = max(len(s.rows) for s, _ in panels)
    height = 3.0 if config.x else 1.0 + 0.28 * most_rows
    figure = Figure(figsize=(4.2 * columns + 1, height * lanes), layout="constrained")
    for number, (section, measure) in enumerate(panels, 1):
        axes = figure.add_subplot(lanes, columns, number)
        (_curves if config.x else _dots)(axes, config, section, measure, score, lines)
        axes.set_title(f"{section.title}: {measure.title}", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def _values(row: Row, measure: Measure, score: str, lines: Lines) -> tuple[float, float, float]:
    """The mean over seeds, the lowest and the highest; for one run, its score and its interval, if it has one."""
    evaluated = row.scores(measure, lines)
    values = [score_value(r, score) for r in evaluated]
    low, high = (min(values), max(values)) if len(values) > 1 else evaluated[0].get(f"{score}_interval") or values * 2
    return float(np.mean(values)), float(low), float(high)


def _dots(axes: Axes, config: Config, section: Section, measure: Measure, score: str, lines: Lines) -> None:
    """A dot for each row, the first row at the top."""
    rows = [r for r in section.rows if r.runs_with(measure)][::-1]
    for y, row in enumerate(rows):
        if not row.scores(measure, lines):
            axes.annotate(
                "not run", (0.02, y), xycoords=("axes fraction", "data"), fontsize=7, va="center", color="0.5"
            )
            continue
        mean, low, high = _values(row, measure, score, lines)
        axes.plot([low, high], [y, y], color="0.6", linewidth=2)
        axes.plot([mean], [y], "o", color="C0" if row.evaluation_row == "adapted" else "0.4", markersize=5)
    axes.set_yticks(range(len(rows)), [r.label for r in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"{SCORE_NAMES[score]}; lines: range over seeds, or 95 % interval of one", fontsize=7)


def _curves(axes: Axes, config: Config, section: Section, measure: Measure, score: str, lines: Lines) -> None:
    """A curve over ``config.x`` for each combination of the other settings; rows of the base are horizontal lines."""
    curves: dict[str, list[tuple[float, tuple[float, float, float]]]] = {}
    for row in section.rows:
        if not row.runs_with(measure) or not row.scores(measure, lines):
            continue
        values = _values(row, measure, score, lines)
        if row.evaluation_row != "adapted":
            axes.axhline(values[0], linestyle=":", color="0.5", linewidth=1)
            axes.annotate(row.label, (0.01, values[0]), xycoords=("axes fraction", "data"), fontsize=6, color="0.4")
            continue
        name = ", ".join(
            [row.settings["method"], *(f"{k}={v}" for k, v in row.settings.items() if k not in ("method", config.x))]
        )
        curves.setdefault(name, []).append((row.settings.get(config.x, row.runs[0][config.x]), values))
    for name, points in curves.items():
        points.sort()
        x, y = [p for p, _ in points], np.array([v for _, v in points])
        axes.errorbar(x, y[:, 0], yerr=np.abs(y[:, 1:].T - y[:, 0]), marker="o", markersize=4, capsize=2, label=name)
    axes.set_xlabel(config.x, fontsize=8)
    axes.set_ylabel(SCORE_NAMES[score], fontsize=8)
    if curves:
        axes.legend(fontsize=7)
