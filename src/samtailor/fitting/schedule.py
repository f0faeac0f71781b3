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

    def progress(self, step: int, elapsed: float) -> float:
        """Return the used share of the budget, 0..1; it depends only on the step if there is no time limit."""
        by_step = step / self.steps if self.steps else 0.0
        by_time = elapsed / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_step, by_time))


def learning_rate(peak: float, step: int, progress: float) -> float:
    """Return the rate of a step: linear warm-up over 30 steps, or 5 % of the budget if shorter, then cosine to 2 %."""
    cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))
    return peak * max(min((step + 1) / WARMUP_STEPS, 1.0), min(progress / WARMUP_SHARE, 1.0)) * cosine
