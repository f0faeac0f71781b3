"""The context of a fit: settings, base and task, which must not change between a killed fit and its continuation."""

from __future__ import annotations

import json
from typing import Any

from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.errors import FitError
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import read_state
from samtailor.runs import Run

__all__ = ["check_context", "context_of"]


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


def check_context(run: Run, context: dict[str, Any]) -> None:
    """Compare the context of a started run with the current one.

    Raises:
        FitError: they differ; the message lists each difference.
    """
    state = read_state(run)
    if state is None:
        return
    saved, current = _flatten({"config": {}, **state.context}), _flatten(context)
    # An older run lacks settings that were added later; it used their present defaults.
    saved = {f"config.{k}": v for k, v in FitConfig(steps=1).to_dict().items() if k != "steps"} | saved
    changes = [f"{k} {saved.get(k)} -> {current.get(k)}" for k in current if saved.get(k) != current.get(k)]
    if changes:
        raise FitError(
            f"The run in {run.folder} was started with other settings: {'; '.join(changes)}.",
            "Resume with the same settings, or choose another folder.",
        )


def _flatten(context: dict[str, Any]) -> dict[str, Any]:
    settings = {f"config.{k}": v for k, v in context["config"].items()}
    return {k: v for k, v in context.items() if k != "config"} | settings
