"""How long what is left will take: budgets of fits, and evaluations as long as they took before."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.running.fitting import is_fitted, stale
from experiments.running.measuring import kept_measure
from experiments.specs.run import Measure, Run
from experiments.specs.settings import BASE
from samtailor.fitting.state import read_state

__all__ = ["Clock"]

UNKNOWN = 300.0  # seconds of an evaluation before any was measured
UNKNOWN_PACE = 1.0  # seconds of a step, likewise


class Clock:
    """Knows how long measures took: from the lines there are, and from those it hears of."""

    def __init__(self, lines: Iterable[dict[str, Any]], results: Path) -> None:
        self._results = results
        self._measures: dict[tuple[str, str, bool, str], float] = {}
        self._fits: dict[str, float] = {}
        self._paces: list[float] = []
        for line in lines:
            run = Run(line["settings"], ())
            if line["fit"]:
                self._fits[run.fit_id] = line["fit"]["seconds"]
                self._paces.append(line["fit"]["seconds"] / max(1, line["fit"]["steps"]))
            for found in line["measures"]:
                self.heard(run, Measure(found["settings"]), found["seconds"])

    def heard(self, run: Run, asked: Measure, seconds: float) -> None:
        self._measures[self._key(run, asked)] = seconds

    @staticmethod
    def _key(run: Run, asked: Measure) -> tuple[str, str, bool, str]:
        return run["task"], str(run["class"]), run.method == BASE, asked.id

    def left(self, run: Run, folder: Path) -> dict[tuple[str, str], float]:
        """Seconds of each piece of work that the run still needs, by what names it: other runs may need the same.

        A fit in steps takes what it took before, else the median second per step of all fits, on whatever machine they
        were; one in epochs counts only where it was done before.
        """
        pieces: dict[tuple[str, str], float] = {}
        anew = run.method != BASE and bool(stale(run, folder))
        if run.method != BASE and (anew or not is_fitted(folder)):
            state = None if anew else read_state(folder)
            done = state.elapsed if state else 0.0
            pieces[run.fit_id, ""] = max(0.0, self._whole(run) - done)
        typical = statistics.median(self._measures.values()) if self._measures else UNKNOWN
        for asked in run.measures:
            if anew or kept_measure(folder, asked, self._results) is None:
                pieces[run.fit_id, asked.id] = self._measures.get(self._key(run, asked), typical)
        return pieces

    def _whole(self, run: Run) -> float:
        if run["minutes"] is not None:
            return float(run["minutes"]) * 60
        pace = statistics.median(self._paces) if self._paces else UNKNOWN_PACE
        return self._fits.get(run.fit_id, pace * (run["steps"] or 0))
