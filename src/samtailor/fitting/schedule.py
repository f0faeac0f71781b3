"""Budget and learning rate of a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Budget", "learning_rate"]

FLOOR = 0.02
WARMUP_STEPS = 30
WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class Budget:
    """Limits of a fit: it ends after ``seconds`` or after ``steps``, whichever comes first; at least one is set."""

    seconds: float | None
    steps: int | None

    @classmethod
    def of(cls, minutes: float | None, epochs: float | None, steps: int | None, steps_per_epoch: int) -> Budget:
        """Convert the limits that a user sets."""
        passes = None if epochs is None else max(1, math.ceil(epochs * steps_per_epoch))
        fewest = min((n for n in (passes, steps) if n is not None), default=None)
        return cls(None if minutes is None else minutes * 60, fewest)

    def larger_than(self, other: Budget) -> bool:
        """Whether a limit of ``other`` is higher here or gone, and no limit of both is lower."""
        grown = False
        for mine, theirs in ((self.seconds, other.seconds), (self.steps, other.steps)):
            if theirs is not None:
                if mine is not None and mine < theirs:
                    return False
                grown = grown or mine is None or mine > theirs
        return grown

    def progress(self, step: int, elapsed: float) -> float:
        """Return the used share of the budget, 0..1; it depends only on the step if there is no time limit."""
        by_step = step / self.steps if self.steps else 0.0
        by_time = elapsed / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_step, by_time))


def learning_rate(peak: float, step: int, progress: float) -> float:
    """Return the rate of a step: linear warm-up over 30 steps, or 5 % of the budget if shorter, then cosine to 2 %."""
    cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))
    return peak * max(min((step + 1) / WARMUP_STEPS, 1.0), min(progress / WARMUP_SHARE, 1.0)) * cosine
