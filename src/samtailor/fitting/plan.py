"""Plan the validations of a fit, so that they are at most a sixth of its work.

The plan must not depend on the clock, because a fit of so many steps gives the same bits on each machine of a kind. So
work is counted in prompts: on a CPU, a training prompt and a validation prompt take about the same time (0.15 s each
for decoder-lite, 0.12 s and 0.10 to 0.13 s for plm).
"""

from __future__ import annotations

from samtailor.adapters.methods import method_class
from samtailor.fitting.config import FitConfig
from samtailor.fitting.schedule import Budget

__all__ = ["MOST_VALIDATIONS", "budget_of", "passes_before", "planned_prompts", "planned_validations"]

MOST_VALIDATIONS = 20
SHARE = 1 / 5  # of the training, which is a sixth of both


def budget_of(config: FitConfig, steps_per_epoch: int) -> Budget:
    """Return the budget of a fit in seconds and steps."""
    return Budget.of(config.minutes, config.epochs, config.steps, steps_per_epoch)


def passes_before(config: FitConfig) -> int:
    """Return how many times at most the validation prompts are used before the first step.

    They score the base; if the fit selects the mask token, each token; and the token's mask before training.
    """
    selects = config.mask_token is None and method_class(config.method).leading(config.method_options).chooses_token
    return 1 + 2 * selects + bool(config.mask_token)


def planned_prompts(config: FitConfig, budget: Budget, batch: int) -> int:
    """Return the largest number of validation prompts.

    Args:
        config: settings.
        budget: of the fit.
        batch: training prompts per step.
    """
    if config.validations is not None or budget.steps is None:
        return config.val_prompts
    allowed = SHARE * budget.steps * batch
    return max(1, min(config.val_prompts, int(allowed / (passes_before(config) + 1))))


def planned_validations(config: FitConfig, budget: Budget, batch: int, prompts: int) -> int:
    """Return the number of validations after the first step.

    Args:
        config: settings.
        budget: of the fit.
        batch: training prompts per step.
        prompts: validation prompts.
    """
    if config.validations is not None:
        return config.validations
    if budget.steps is None:
        return MOST_VALIDATIONS
    allowed = SHARE * budget.steps * batch
    return max(1, min(MOST_VALIDATIONS, int(allowed / max(1, prompts)) - passes_before(config)))
