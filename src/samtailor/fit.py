"""Fit an adapter to a task: the public verb around the training loop."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import INTERRUPTED, build_adapter
from samtailor.adapters.unfinished import budget_text
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import FitCollapseError
from samtailor.fitting.batches import Sampler, check_validation, validation_draws
from samtailor.fitting.command import resume_command
from samtailor.fitting.config import FitConfig, Precision
from samtailor.fitting.context import context_of, continuation
from samtailor.fitting.forecast import forecast
from samtailor.fitting.lock import locked
from samtailor.fitting.loop import Trainer
from samtailor.fitting.outcome import FitResult, write_outcome
from samtailor.fitting.plan import budget_of, planned_prompts
from samtailor.fitting.remarks import larger_budget, remarks
from samtailor.fitting.stop import FitInterrupted, Stop, Stopped, stop_on_signals
from samtailor.fitting.tokens import check_token, choose_token
from samtailor.machine.device import choose_precision
from samtailor.machine.files import remove_stale
from samtailor.machine.progress import Note, Progress, silent
from samtailor.runs import Run

__all__ = ["FitInterrupted", "FitResult", "fit_task"]


def fit_task(
    task: Task,
    base: Base,
    out: Path,
    config: FitConfig,
    *,
    cache: EmbeddingStore | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> FitResult:
    """Fit on the train split, choose the best adapter on the val split, and write it to ``out``.

    The unchanged base takes part in the choice, so an adapter that is worse in validation is never written. If the
    budget is in epochs or steps alone, the same seed on the same CPU gives the same bits, even if the fit is killed
    and resumed. A budget in minutes depends on the clock, so results can differ.

    Ctrl-C, or a signal to end, stops a fit in the main thread after its step, or at once if it comes twice. The state
    and the best adapter so far are written.

    Args:
        task: with train and val splits.
        base: the frozen model, on the device to use.
        out: the run folder; the fit also writes metrics.jsonl, curve.png and the state for ``resume`` there.
        config: settings.
        cache: defaults to the user's cache.
        resume: continue the run in ``out``; start one if there is none. Everything but the budget must be as before. A
            larger budget continues a fit also after its end; the learning rate then follows the larger budget.
        progress: receives the events of encoding (``Count``) and of the fit (``samtailor.fitting.progress``).

    Raises:
        AdapterError: an option of the method is out of its range.
        FitError: ``out`` holds a run and ``resume`` is off, it holds a run with other settings or a smaller budget, or
            another fit is writing to it.
        FitInterrupted: the fit was stopped; it says how to continue. It is a KeyboardInterrupt.
        FitCollapseError: training collapsed; ``out`` holds the best adapter so far.
        DataError: a split is missing, or has nothing to train or validate on.
    """
    cache, run = EmbeddingCache() if cache is None else cache, Run(out)
    config = replace(config, precision=_precision(config, base))  # the run records the precision, not "auto"
    check_token(config, base)
    sampler = Sampler(task.split("train"), config)
    check_validation(task.split("val"))
    adapter = build_adapter(config.method, base, config.seed, **config.method_options).to(base.device)
    command = resume_command(task, base, out, config)
    with stop_on_signals() as stop:
        try:
            run.prepare(resume)
            with locked(run.folder, progress):
                remove_stale(run.folder)
                run.start_log()
                run.write_source(task, command)
                model = AdaptedModel.of(base, adapter, cache)
                trainer = _trainer(model, task, sampler, config, run, progress, stop)
                return _train(trainer, task, config, run, progress)
        except (Stopped, KeyboardInterrupt) as error:
            what = str(error) or f"The fit was stopped. What was computed for it is kept in {out}."
            raise FitInterrupted(what, f"Continue it: {command}", 128 + (stop.signal or signal.SIGINT)) from None


def _trainer(
    model: AdaptedModel, task: Task, sampler: Sampler, config: FitConfig, run: Run, progress: Progress, stop: Stop
) -> Trainer:
    """Encode the images and prepare the trainer, at its start or where the run was left."""
    base, adapter = model.base, model.require_adapter()
    context = context_of(task, base, config, config.lr or adapter.peak_rate)
    going_on = continuation(run, context, sampler.steps_per_epoch)
    limit = planned_prompts(config, budget_of(config, sampler.steps_per_epoch), sampler.prompts_per_step)
    old_limit = (going_on.state.prompt_limit or config.val_prompts) if going_on.state else limit
    if not going_on.old_budget:
        limit = old_limit
    draws = validation_draws(task.split("val"), config, limit)
    for remark in remarks(task, sampler, draws, config):
        progress(Note(remark))
    images = {r.path: r for r in [*(r for r, _ in sampler.images), *(d.image for d in draws)]}
    encode_images(base, list(images.values()), model.cache, progress=stop.watched(progress))
    tokens = choose_token(model, draws, config, going_on.state, stop.check)
    trainer = Trainer(model, sampler, draws, config, run, context, progress)
    trainer.stop = stop
    if going_on.state:
        trainer.resume()
    else:
        run.cut_log(-1)
    trainer.state.token_scores, trainer.state.prompt_limit = tokens, limit
    if going_on.old_budget:
        progress(Note(larger_budget(trainer, going_on.old_budget)))
        trainer.extend(context, other_draws=limit != old_limit)
    return trainer


def _train(trainer: Trainer, task: Task, config: FitConfig, run: Run, progress: Progress) -> FitResult:
    """Run the loop and write what came of it."""
    try:
        if not trainer.state.finished:
            progress(forecast(trainer))
        state = trainer.run()
    except FitCollapseError:
        write_outcome(run, trainer, task, config, trainer.state.finished)
        raise
    except Stopped:
        trainer.save()
        state = trainer.state
        at = f"step {state.step} of a budget of {budget_text(config.to_dict())}"
        if not state.base:
            raise Stopped(f"The fit was stopped before its first step; its state is kept in {run.folder}.") from None
        result = write_outcome(run, trainer, task, config, f"{INTERRUPTED} at {at}")
        best = f"The best adapter so far, of step {result.best_step}, is in {run.folder}."
        if not result.best_step:
            best = f"No training step beats the base yet; the adapter in {run.folder} is the untrained one."
        raise Stopped(f"The fit was stopped at {at}. {best}") from None
    return write_outcome(run, trainer, task, config, state.finished)


def _precision(config: FitConfig, base: Base) -> Precision:
    if config.precision == "auto" and base.reference_decoder:
        return "float32"  # the reference decoder's order of evaluation gains nothing from bfloat16
    return "bfloat16" if choose_precision(config.precision, base.device) == "bfloat16" else "float32"
