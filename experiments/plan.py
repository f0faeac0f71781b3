"""How long what is left will take: budgets of fits, and evaluations as long as they took before."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.fitting import is_fitted
from experiments.measuring import kept_measure
from experiments.run import Measure, Run
from experiments.settings import BASE
from samtailor.fitting.state import read_state

__all__ = ["Clock"]

UNKNOWN = 300.0  # seconds of an evaluation before any was measured


class Clock:
    """Knows how long measures took: from the lines there are, and from those it hears of."""

    def __init__(self, lines: Iterable[dict[str, Any]]) -> None:
        self._measures: dict[tuple[str, str, bool, str], float] = {}
        self._fits: dict[str, float] = {}
        for line in lines:
            run = Run(line["settings"], ())
            if line["fit"]:
                self._fits[run.fit_id] = line["fit"]["seconds"]
            for found in line["measures"]:
                self.heard(run, Measure(found["settings"]), found["seconds"])

    def heard(self, run: Run, asked: Measure, seconds: float) -> None:
        self._measures[self._key(run, asked)] = seconds

    @staticmethod
    def _key(run: Run, asked: Measure) -> tuple[str, str, bool, str]:
        return run["task"], str(run["class"]), run.method == BASE, asked.id

    def left(self, run: Run, folder: Path) -> dict[tuple[str, str], float]:
        """Seconds of each piece of work that the run still needs, by what names it: other runs may need the same.

        A fit in epochs counts only where it was done before.
        """
        pieces: dict[tuple[str, str], float] = {}
        if run.method != BASE and not is_fitted(folder):
            state = read_state(folder)
            done = state.elapsed if state else 0.0
            minutes = run["minutes"]
            whole = self._fits.get(run.fit_id, 0.0) if minutes is None else minutes * 60
            pieces[run.fit_id, ""] = max(0.0, whole - done)
        typical = statistics.median(self._measures.values()) if self._measures else UNKNOWN
        for asked in run.measures:
            if kept_measure(folder, asked) is None:
                pieces[run.fit_id, asked.id] = self._measures.get(self._key(run, asked), typical)
        return pieces
