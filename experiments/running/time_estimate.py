"""Estimate the remaining time of runs, from the budgets of fits and the times of earlier evaluations."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.running.fitting import changes_since_fit, is_fitted
from experiments.running.measuring import kept_measure
from experiments.specs.run import Measure, Run
from experiments.specs.settings import BASE
from samtailor.fitting.state import read_state
from samtailor.runs import Run as RunFolder

__all__ = ["TimeEstimate"]

DEFAULT_SECONDS = 300.0  # of an evaluation, as long as none was timed
DEFAULT_STEP_SECONDS = 1.0


class TimeEstimate:
    """Estimates remaining time from the lines of finished runs, and from times recorded since then.

    Args:
        lines: lines of finished runs.
        results: the folder of lines.
    """

    def __init__(self, lines: Iterable[dict[str, Any]], results: Path) -> None:
        self._results = results
        self._measures: dict[tuple[str, str, bool, str], float] = {}
        self._fits: dict[str, float] = {}
        self._step_seconds: list[float] = []
        for line in lines:
            run = Run(line["settings"], ())
            if line["fit"]:
                self._fits[run.fit_id] = line["fit"]["seconds"]
                self._step_seconds.append(line["fit"]["seconds"] / max(1, line["fit"]["steps"]))
            for evaluation in line["measures"]:
                self.record(run, Measure(evaluation["settings"]), evaluation["seconds"])

    def record(self, run: Run, measure: Measure, seconds: float) -> None:
        """Record the time of an evaluation."""
        self._measures[self._key(run, measure)] = seconds

    @staticmethod
    def _key(run: Run, measure: Measure) -> tuple[str, str, bool, str]:
        return run["task"], str(run["class"]), run.method == BASE, measure.id

    def remaining(self, run: Run, folder: Path) -> dict[tuple[str, str], float]:
        """Estimate the seconds of each fit and evaluation that the run still needs.

        The key of a fit or evaluation is the same in all runs that need it, so that it is counted once. A fit with a
        budget of steps takes as long as it took before; a new one takes the median time of a step of all fits, from all
        machines. A fit with a budget of epochs counts only if it was done before.
        """
        seconds: dict[tuple[str, str], float] = {}
        outdated = run.method != BASE and bool(changes_since_fit(run, folder))
        if run.method != BASE and (outdated or not is_fitted(folder)):
            state = None if outdated else read_state(RunFolder(folder))
            elapsed = state.elapsed if state else 0.0
            seconds[run.fit_id, ""] = max(0.0, self._fit_seconds(run) - elapsed)
        typical = statistics.median(self._measures.values()) if self._measures else DEFAULT_SECONDS
        for measure in run.measures:
            if outdated or kept_measure(folder, measure, self._results) is None:
                seconds[run.fit_id, measure.id] = self._measures.get(self._key(run, measure), typical)
        return seconds

    def _fit_seconds(self, run: Run) -> float:
        if run["minutes"] is not None:
            return float(run["minutes"]) * 60
        step = statistics.median(self._step_seconds) if self._step_seconds else DEFAULT_STEP_SECONDS
        return self._fits.get(run.fit_id, step * (run["steps"] or 0))
