"""How far a fit is, and which learning rate that means."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Budget", "learning_rate"]

FLOOR = 0.02
WARMUP_STEPS = 30
WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class Budget:
    """When a fit ends: after ``seconds``, or after ``steps``, whichever comes first; at least one is set."""

    seconds: float | None
    steps: int | None

    def progress(self, step: int, elapsed: float) -> float:
        """Share of the budget that is used, 0..1; a function of the step alone when there is no time limit."""
        by_step = step / self.steps if self.steps else 0.0
        by_time = elapsed / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_step, by_time))


def learning_rate(peak: float, step: int, progress: float) -> float:
    """Linear warm-up over 30 steps (a twentieth of the budget if that is shorter), then a cosine to 2 % of the peak."""
    cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))
    return peak * max(min((step + 1) / WARMUP_STEPS, 1.0), min(progress / WARMUP_SHARE, 1.0)) * cosine
