"""What a killed fit and its continuation must have in common."""

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
    """Compare the context of a started run with today's.

    Raises:
        FitError: they differ; the message lists each difference.
    """
    state = read_state(run)
    if state is None:
        return
    saved, now = _flat({"config": {}, **state.context}), _flat(context)
    # A setting that is newer than the run had the value that is its default now.
    saved = {f"config.{k}": v for k, v in FitConfig(steps=1).to_dict().items() if k != "steps"} | saved
    changed = [f"{k} {saved.get(k)} -> {now.get(k)}" for k in now if saved.get(k) != now.get(k)]
    if changed:
        raise FitError(
            f"The run in {run.folder} was started with other settings: {'; '.join(changed)}.",
            "Resume with the same settings, or start another folder.",
        )


def _flat(context: dict[str, Any]) -> dict[str, Any]:
    settings = {f"config.{k}": v for k, v in context["config"].items()}
    return {k: v for k, v in context.items() if k != "config"} | settings
