"""The card and the curve of a fit, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import INTERRUPTED, save_adapter
from samtailor.data.task import Task
from samtailor.drawing.curve import plot_curve
from samtailor.fitting.config import FitConfig
from samtailor.fitting.loop import Trainer
from samtailor.fitting.mask_scores import measure_mask_scores
from samtailor.fitting.work import AdapterWork
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.runs import Run

__all__ = ["FitResult", "write_outcome"]


@dataclass(frozen=True)
class FitResult:
    """Outcome of a fit.

    Attributes:
        adapter: the best one, in evaluation mode; it leaves the base unchanged if nothing beat the base.
        beats_base: whether the adapter beat the base in validation.
        base: validation scores of the base (``miou``, ``iou_instances``, ``n``).
        best: validation scores of the adapter.
        best_step: step of the adapter; 0 if no training step beat the base.
        steps: steps done.
        reason: why the fit ended.
    """

    adapter: Adapter
    beats_base: bool
    base: dict[str, float]
    best: dict[str, float]
    best_step: int
    steps: int
    reason: str


def write_outcome(run: Run, trainer: Trainer[AdapterWork], task: Task, config: FitConfig, ended: str) -> FitResult:
    """Write the best adapter so far and the curve into the run folder.

    Args:
        run: the run folder.
        trainer: after its last step.
        task: what was fitted on.
        config: settings.
        ended: why the fit ended. After Ctrl-C, the scores of the masks are not measured: that would take seconds.
    """
    trainer.finish()
    state, work = trainer.state, trainer.work
    base = work.model.base
    validation: dict[str, Any] = {"base": state.base, "adapted": state.best, "beats_base": state.beats_base}
    facts = {
        "task": {"name": task.name, "classes": list(task.classes), "only": task.source.get("only")},
        "fit": {
            "settings": config.to_dict(),
            "options": {**type(work.trained).options(config.method_options), **config.method_options},
            "steps": state.step,
            "best_step": state.best_step,
            "ended": ended,
            "peak_rate": trainer.peak_rate,
            "backoffs": state.backoffs,
            **({"extended_at": state.extended_at} if state.extended_at else {}),
        },
        "seconds": round(state.elapsed, 1),
        "mask_scores": None
        if ended.startswith(INTERRUPTED)
        else measure_mask_scores(trainer.work.model, trainer.work.draws),
        "validation": validation | ({"base_by_mask_token": state.token_scores} if state.token_scores else {}),
        "versions": versions(),
        "hardware": hardware(base.device),
        "commit": commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_adapter(run.folder, work.trained, base, facts)
    plot_curve(run.read_log(), run.curve)
    adapter = work.trained.eval()
    return FitResult(adapter, state.beats_base, state.base, state.best, state.best_step, state.step, ended)
