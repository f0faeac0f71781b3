"""Estimate the time and memory of a fit before it starts."""

from __future__ import annotations

import time

from samtailor.fitting.gradients import add_gradients
from samtailor.fitting.loop import Trainer
from samtailor.fitting.progress import Forecast
from samtailor.fitting.validate import validate
from samtailor.machine.memory import peak_memory

__all__ = ["forecast"]


def forecast(trainer: Trainer) -> Forecast:
    """Time one training step, whose gradient is discarded, and the validation of a few images."""
    start = time.perf_counter()
    batch = trainer.sampler.batch(trainer.state.step)
    add_gradients(trainer.model, batch, trainer.config, progress=1.0)  # includes terms that start late in a fit
    trainer.optimiser.zero_grad(set_to_none=True)
    step = time.perf_counter() - start
    few = trainer.draws[:3]
    start = time.perf_counter()
    validate(trainer.model, few)
    instances = sum(len(d.instances) for d in trainer.draws)
    validation = (time.perf_counter() - start) / sum(len(d.instances) for d in few) * instances
    all_validations = validation * (trainer.config.validations + 1)

    budget, limits = trainer.budget, []
    if budget.steps:
        limits.append(budget.steps * step + all_validations)
    if budget.seconds:
        limits.append(budget.seconds)
        all_validations = min(all_validations, budget.seconds / 6)  # the policy limits it to a sixth
    seconds = min(limits)
    steps = max(1, int((seconds - all_validations) / step))
    memory = peak_memory(trainer.model.base.device)
    return Forecast(step, validation, steps, seconds, memory, trainer.sampler.left_out)
