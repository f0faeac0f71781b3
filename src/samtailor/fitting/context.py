"""The context of a fit: settings, base and task, which must not change between a killed fit and its continuation.

Only the budget may grow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from samtailor.adapters.unfinished import budget_text
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.errors import FitError
from samtailor.fitting.config import FitConfig
from samtailor.fitting.plan import MOST_VALIDATIONS
from samtailor.fitting.schedule import Budget
from samtailor.fitting.state import FitState, read_state
from samtailor.machine.fields import FieldError, Fields
from samtailor.runs import Run

__all__ = ["Continuation", "budget_of_run", "context_of", "continuation"]

LIMITS = ("config.minutes", "config.epochs", "config.steps")


def context_of(task: Task, base: Base, config: FitConfig, peak_rate: float) -> dict[str, Any]:
    """Describe settings, base and task as JSON types."""
    counts = {name: [len(images), sum(len(r.instances) for r in images)] for name, images in task.splits.items()}
    context = {
        "config": config.to_dict(),
        "peak rate": peak_rate,  # a method's own rate may differ between versions
        "base": base.fingerprint,
        "task": task.name,
        "images and instances": counts,
    }
    if "only" in task.source:
        context["class"] = task.source["only"]
    return dict(json.loads(json.dumps(context)))


@dataclass(frozen=True)
class Continuation:
    """What a fit continues from.

    Attributes:
        state: of the run; None if the fit starts at its beginning.
        old_budget: the run's smaller budget in words, if the fit continues with a larger one; otherwise empty.
    """

    state: FitState | None = None
    old_budget: str = ""


def continuation(run: Run, context: dict[str, Any], steps_per_epoch: int) -> Continuation:
    """Compare the context of a started run with the current one. Everything but the budget must be the same.

    A run that has done no step starts anew with a larger budget, and then equals a fit that had it from the start.

    Raises:
        FitError: settings, base or task differ, or the budget is smaller; the message lists the differences.
    """
    state = read_state(run)
    if state is None:
        return Continuation()
    saved, current = _saved(state), _flatten(context)
    changes = [f"{k} {saved.get(k)} -> {current.get(k)}" for k in current if saved.get(k) != current.get(k)]
    others = [change for change in changes if change.split(" ")[0] not in LIMITS]
    if others:
        raise FitError(
            f"The run in {run.folder} was started with other settings: {'; '.join(others)}.",
            "Resume with the same settings, or choose another folder.",
        )
    if not changes:
        return Continuation(state)
    try:
        old, new = _budget(saved, steps_per_epoch), _budget(current, steps_per_epoch)
    except FieldError as error:
        raise FitError(f"{run.state} cannot be used: {error}.", "Start a new fit in another folder.") from error
    text = budget_text({name.removeprefix("config."): saved.get(name) or 0 for name in LIMITS})
    if not new.larger_than(old) or new.progress(state.step, state.elapsed) >= 1:
        if new == old:
            return Continuation(state)
        raise FitError(
            f"The run in {run.folder} has a budget of {text} and is at step {state.step}; the new budget is not larger "
            f"({'; '.join(c.removeprefix('config.') for c in changes)}).",
            "Resume with the same or a larger budget, or choose another folder.",
        )
    return Continuation(state, text) if state.step else Continuation()


def budget_of_run(run: Run) -> dict[str, Any]:
    """Return the minutes, epochs and steps that are the budget of a started run; empty if there is none.

    Raises:
        FitError: the state of the run is damaged.
    """
    state = read_state(run)
    return {} if state is None else {n.removeprefix("config."): _saved(state).get(n) for n in LIMITS}


def _saved(state: FitState) -> dict[str, Any]:
    saved = _flatten({"config": {}, **state.context})
    # An older run lacks settings that were added later; it used their present defaults.
    saved = {f"config.{k}": v for k, v in FitConfig(steps=1).to_dict().items() if k != "steps"} | saved
    if state.format == 1 and saved["config.validations"] == MOST_VALIDATIONS:  # the default of older versions
        saved["config.validations"] = None
    return saved


def _budget(flat: dict[str, Any], steps_per_epoch: int) -> Budget:
    limits = Fields({name: value for name, value in flat.items() if value is not None})
    minutes, epochs = (limits.number(name) if name in limits.values else None for name in LIMITS[:2])
    steps = limits.whole(LIMITS[2], 1) if LIMITS[2] in limits.values else None
    return Budget.of(minutes, epochs, steps, steps_per_epoch)


def _flatten(context: dict[str, Any]) -> dict[str, Any]:
    settings = {f"config.{k}": v for k, v in context["config"].items()}
    return {k: v for k, v in context.items() if k != "config"} | settings
