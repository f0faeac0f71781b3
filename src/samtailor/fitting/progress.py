"""Progress events of a fit; ``samtailor.machine.progress`` has the protocol."""

from __future__ import annotations

from dataclasses import dataclass

from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation
from samtailor.machine.progress import Event

__all__ = ["Forecast", "Stepped", "Validated"]


@dataclass(frozen=True)
class Forecast(Event):
    """Estimated time and memory of a fit, measured on one step that changes nothing; sent before the first step.

    Attributes:
        seconds_per_step: time of a training step.
        seconds_per_validation: time of a validation.
        steps: number of steps that are left within the budget.
        seconds: time that is left, with the validation of the base before the first step.
        memory_bytes: peak memory of the process (CPU) or of the accelerator.
        left_out: number of training instances below the smallest area.
    """

    seconds_per_step: float
    seconds_per_validation: float
    steps: int
    seconds: float
    memory_bytes: int
    left_out: int


@dataclass(frozen=True)
class Stepped(Event):
    """A training step is done.

    Attributes:
        state: of the fit; do not change it.
        terms: the row of the log: loss, its terms, learning rate, gradient norm.
        progress: used share of the budget, 0..1.
    """

    state: FitState
    terms: dict[str, float]
    progress: float


@dataclass(frozen=True)
class Validated(Event):
    """A validation is done; the first one, at step 0, is the base's.

    Attributes:
        state: of the fit; do not change it.
        scores: of this validation.
        best_miou: best validation mIoU so far, the base's included.
    """

    state: FitState
    scores: Validation
    best_miou: float
