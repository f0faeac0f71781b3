"""Decide when a fit goes back to its best adapter, stops, counts as collapsed, and validates. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from samtailor.fitting.schedule import Budget
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

__all__ = ["Policy"]

TOLERANCE = 0.01  # the mean IoU of the prompts may fall this far below that of the best before it counts as a fall
LASTING = 2  # falls in a row; the best of many validations was lucky, so single ones fall behind it by chance
ERRORS = 2.5  # and by this many standard errors of the mean difference, prompt by prompt
EMPTY_SHARE = 0.8  # a larger share of empty masks, over about the last ten steps, is a collapse
LOST_SHARE = 0.5  # of the best mIoU; a fit that had fallen to a twelfth of it had not recovered 100 steps later
PATIENT_STEPS = 60  # validation may fall first: on faces it was below the base at step 100 and far above at step 300
LAST_BACKOFF = 6
EARLIEST_STOP = 0.3  # share of the budget; before that, the learning rate has hardly warmed up


@dataclass(frozen=True)
class Policy:
    """Decisions of a fit. No method changes the state; the loop carries out the decisions.

    Attributes:
        adaptive: whether the learning rate may be halved by going back; False for a fixed rate.
        validations: how many validations the budget should hold.
        patience: stop after this many validations without a new best.
    """

    adaptive: bool
    validations: int
    patience: int

    def may_go_back(self, state: FitState) -> bool:
        """Whether the fit may still go back to its best adapter."""
        return self.adaptive and state.backoffs < LAST_BACKOFF

    def collapse(self, state: FitState, loss: float, gradient_norm: float) -> str:
        """Return the reason why the step is a collapse; an empty text if it is not."""
        if not math.isfinite(loss) or not math.isfinite(gradient_norm):
            return "the loss or its gradient is no longer a finite number"
        if state.emptiness > max(EMPTY_SHARE, (1 + state.empty_at_first) / 2):  # some bases start nearly empty
            return f"{state.emptiness:.0%} of the predicted masks are empty"
        return ""

    def is_best(self, state: FitState, scores: Validation) -> bool:
        """Whether the adapter of this validation is better than all before it, the base included."""
        return scores.miou > state.best["miou"]

    def should_go_back(self, state: FitState, scores: Validation) -> bool:
        """Decide after a validation, with the state already updated by it."""
        lost = scores.miou < LOST_SHARE * state.best["miou"]
        settled = state.step - state.anchor >= PATIENT_STEPS
        return settled and self.may_go_back(state) and (lost or state.falls >= LASTING)

    def fell(self, state: FitState, scores: Validation) -> bool:
        """Whether a validation is worse than the best before it, beyond chance.

        The mean over prompts decides, not over classes: a class with few prompts moves mIoU by several hundredths. Both
        validations have the same prompts, so differences are taken prompt by prompt.
        """
        if len(scores.ious) != len(state.best_ious) or len(scores.ious) < 2:  # the state of an older version
            return scores.iou_instances < state.best["iou_instances"] - TOLERANCE
        differences = np.subtract(scores.ious, state.best_ious)
        error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
        return float(differences.mean()) < -max(TOLERANCE, ERRORS * error)

    def ended(self, state: FitState, progress: float) -> str:
        """Return the reason why the fit ends now; an empty text if it continues. ``progress`` is the used budget."""
        if progress >= 1:
            return "the budget is used up"
        if state.stale >= self.patience and progress > EARLIEST_STOP:
            return f"no new best in {state.stale} validations"
        return ""

    def next_validation(self, progress: float, seconds: float, budget: Budget) -> float:
        """Share of the budget at which the next validation is due.

        With a time budget, validating takes at most a sixth of it. Without one, the clock has no influence.

        Args:
            progress: used share of the budget.
            seconds: duration of the last validation.
            budget: of the fit.
        """
        due = (math.floor(progress * self.validations) + 1) / self.validations
        if budget.seconds:
            due = max(due, progress + 5 * seconds / budget.seconds)
        return due
