"""Who hears of a fit's progress."""

from __future__ import annotations

from dataclasses import dataclass

from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

__all__ = ["Estimate", "Reporter"]


@dataclass(frozen=True)
class Estimate:
    """What a fit will take, measured on one step that changes nothing.

    Attributes:
        seconds_per_step: training only.
        seconds_per_validation: all validation draws.
        steps: how many fit into the budget.
        seconds: the whole fit.
        memory_bytes: peak of the process (CPU) or of the accelerator.
        left_out: training instances below the smallest area.
    """

    seconds_per_step: float
    seconds_per_validation: float
    steps: int
    seconds: float
    memory_bytes: int
    left_out: int


class Reporter:
    """Does nothing; doors to the user override what they show."""

    def estimate(self, estimate: Estimate) -> None:
        """Called once, before the first step."""

    def step(self, state: FitState, row: dict[str, float], progress: float) -> None:
        """After each step; ``progress`` is the used share of the budget, 0..1."""

    def validation(self, state: FitState, found: Validation, best: dict[str, float]) -> None:
        """After each validation, step 0 (the base) included."""

    def note(self, text: str) -> None:
        """Something worth a line."""
