"""Estimate the time and memory of a fit before it starts."""

from __future__ import annotations

import time

from samtailor.fitting.loop import Trainer
from samtailor.fitting.progress import Forecast
from samtailor.fitting.validate import validate
from samtailor.fitting.work import AdapterWork
from samtailor.machine.memory import peak_memory

__all__ = ["forecast"]

FEW_IMAGES = 3


def forecast(trainer: Trainer[AdapterWork]) -> Forecast:
    """Time a training step, whose gradient is discarded, and the validation of a few images."""
    step = min(_step_seconds(trainer) for _ in range(2))  # the first one also prepares what later ones reuse
    few, start = trainer.work.draws[:FEW_IMAGES], time.perf_counter()
    validate(trainer.work.model, few, trainer.stop.check)
    instances = sum(len(d.instances) for d in trainer.work.draws)
    validation = (time.perf_counter() - start) / max(1, sum(len(d.instances) for d in few)) * instances

    state, budget = trainer.state, trainer.budget
    before = 0.0 if state.base else validation * (2 if trainer.work.trained.mask_token else 1)
    used = budget.progress(state.step, state.elapsed)
    validations = max(1, round(trainer.policy.validations * (1 - used))) * validation
    limits = []
    if budget.steps:
        limits.append((budget.steps - state.step) * step + validations)
    if budget.seconds:
        limits.append(budget.seconds - state.elapsed)
        validations = min(validations, max(validation, limits[-1] / 6))  # the policy limits it to a sixth
    seconds = max(0.0, min(limits))
    steps = max(1, round((seconds - validations) / step))
    if budget.steps:
        steps = min(steps, budget.steps - state.step)
    memory = peak_memory(trainer.work.model.base.device)
    return Forecast(step, validation, steps, before + seconds, memory, trainer.work.sampler.left_out)


def _step_seconds(trainer: Trainer[AdapterWork]) -> float:
    trainer.stop.check()
    start = time.perf_counter()
    trainer.work.gradients(trainer.state.step, progress=1.0)  # includes terms that start late in a fit
    trainer.optimiser.zero_grad(set_to_none=True)
    return time.perf_counter() - start
