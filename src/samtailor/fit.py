"""Fit an adapter to a task: the public verb around the training loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, save_adapter
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.drawing.curve import plot_curve
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.encoding import encode_images
from samtailor.errors import FitCollapseError
from samtailor.fitting.batches import Sampler, validation_draws
from samtailor.fitting.config import FitConfig, Precision
from samtailor.fitting.context import check_context, context_of
from samtailor.fitting.forecast import forecast
from samtailor.fitting.loop import Trainer
from samtailor.fitting.mask_scores import measure_mask_scores
from samtailor.fitting.tokens import check_token, choose_token
from samtailor.machine.device import choose_precision
from samtailor.machine.progress import Progress, silent
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.runs import Run

__all__ = ["FitResult", "fit_task"]


@dataclass(frozen=True)
class FitResult:
    """Outcome of a fit.

    Attributes:
        adapter: the best one, in evaluation mode; it leaves the base unchanged if nothing beat the base.
        beats_base: whether the adapter beat the base in validation.
        base: validation scores of the base (``miou``, ``iou_instances``, ``n``).
        best: validation scores of the adapter.
        best_step: step of the adapter; 0 if nothing beat the base.
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


def fit_task(
    task: Task,
    base: Base,
    out: Path,
    config: FitConfig,
    *,
    cache: EmbeddingCache | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> FitResult:
    """Fit on the train split, choose the best adapter on the val split, and write it to ``out``.

    The unchanged base takes part in the choice, so an adapter that is worse in validation is never written. If the
    budget is in epochs or steps alone, the same seed on the same CPU gives the same bits, even if the fit is killed
    and resumed. A budget in minutes depends on the clock, so results can differ.

    Args:
        task: with train and val splits.
        base: the frozen model, on the device to use.
        out: the run folder; the fit also writes metrics.jsonl, curve.png and the state for ``resume`` there.
        config: settings.
        cache: defaults to the user's cache.
        resume: continue the run in ``out``; start one if there is none.
        progress: receives the events of encoding (``Count``) and of the fit (``samtailor.fitting.progress``).

    Raises:
        AdapterError: an option of the method is out of its range.
        FitError: ``out`` holds a run and ``resume`` is off, or it holds a run with other settings.
        FitCollapseError: training collapsed; ``out`` holds the best adapter so far.
        DataError: a split is missing, or has nothing to train or validate on.
    """
    cache, run = cache or EmbeddingCache(), Run(out)
    config = replace(config, precision=_precision(config, base))  # the run records the precision, not "auto"
    check_token(config, base)
    sampler = Sampler(task.split("train"), config)
    draws = validation_draws(task.split("val"), config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        adapter = build_adapter(config.method, base, **config.method_options).to(base.device)
    run.prepare(resume)
    context = context_of(task, base, config, config.lr or adapter.peak_rate)
    check_context(run, context)
    images = {r.path: r for r in [*(r for r, _ in sampler.images), *(d.image for d in draws)]}
    encode_images(base, list(images.values()), cache, progress=progress)
    run.write_source(task)
    model = AdaptedModel.of(base, adapter, cache)
    tokens = choose_token(model, draws, config, run)
    trainer = Trainer(model, sampler, draws, config, run, context, progress)
    trainer.resume()
    trainer.state.token_scores = tokens
    if not trainer.state.finished:
        progress(forecast(trainer))
    try:
        state = trainer.run()
    except FitCollapseError:
        trainer.finish_adapter()
        _write(run, trainer, task, config)
        raise
    trainer.finish_adapter()
    _write(run, trainer, task, config)
    return FitResult(
        adapter.eval(), state.beats_base, state.base, state.best, state.best_step, state.step, state.finished
    )


def _precision(config: FitConfig, base: Base) -> Precision:
    if config.precision == "auto" and base.reference_decoder:
        return "float32"  # the reference decoder's order of evaluation gains nothing from bfloat16
    return "bfloat16" if choose_precision(config.precision, base.device) == "bfloat16" else "float32"


def _write(run: Run, trainer: Trainer, task: Task, config: FitConfig) -> None:
    state, base = trainer.state, trainer.model.base
    validation = {"base": state.base, "adapted": state.best, "beats_base": state.beats_base}
    facts = {
        "task": {"name": task.name, "classes": list(task.classes), "only": task.source.get("only")},
        "fit": {
            "settings": config.to_dict(),
            "options": {**type(trainer.adapter).options(), **config.method_options},
            "steps": state.step,
            "best_step": state.best_step,
            "ended": state.finished,
            "peak_rate": trainer.peak_rate,
            "backoffs": state.backoffs,
        },
        "seconds": round(state.elapsed, 1),
        "mask_scores": measure_mask_scores(trainer.model, trainer.draws),
        "validation": validation | ({"base_by_mask_token": state.token_scores} if state.token_scores else {}),
        "versions": versions(),
        "hardware": hardware(base.device),
        "commit": commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_adapter(run.folder, trainer.adapter, base, facts)
    plot_curve(run.read_log(), run.curve)
