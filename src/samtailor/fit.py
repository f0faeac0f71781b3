"""Fit an adapter to a task: the public verb around the training loop."""

from __future__ import annotations

import signal
from dataclasses import replace

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import INTERRUPTED, build_adapter
from samtailor.adapters.unfinished import budget_text
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import Task
from samtailor.drawing.preview import write_preview
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.opening import AnyCache, as_cache
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import ArgumentError, FitCollapseError
from samtailor.fitting.batches import Sampler, check_validation, validation_draws
from samtailor.fitting.command import resume_command
from samtailor.fitting.config import FitConfig, Precision
from samtailor.fitting.context import budget_of_run, context_of, continuation
from samtailor.fitting.display import FitDisplay
from samtailor.fitting.forecast import forecast
from samtailor.fitting.lock import locked
from samtailor.fitting.loop import Trainer
from samtailor.fitting.outcome import FitResult, write_outcome
from samtailor.fitting.plan import budget_of, planned_prompts
from samtailor.fitting.remarks import larger_budget, remarks
from samtailor.fitting.stop import FitInterrupted, Stop, Stopped, stop_on_signals
from samtailor.fitting.tokens import check_token, choose_token
from samtailor.fitting.work import AdapterWork
from samtailor.machine.arguments import wrong_type
from samtailor.machine.device import choose_precision
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.files import remove_stale
from samtailor.machine.progress import Note, Progress
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyBase, AnyDevice, AnyRun, open_base
from samtailor.runs import Run

__all__ = ["FitInterrupted", "FitResult", "fit_task"]


@undisturbed()
def fit_task(  # more than seven parameters: a public verb; its keyword arguments are its options
    task: AnyTask,
    base: AnyBase = DEFAULT_BASE,
    out: AnyRun | None = None,
    config: FitConfig | None = None,
    *,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    resume: bool = False,
    progress: ShownProgress = True,
) -> FitResult:
    """Fit on the train split, choose the best adapter on the val split, and write it to ``out``.

    The unchanged base takes part in the choice, so an adapter that is worse in validation is never written. If the
    budget is in epochs or steps alone, the same seed on the same CPU gives the same bits, even if the fit is killed
    and resumed. A budget in minutes depends on the clock, so results can differ.

    Ctrl-C, or a signal to end, stops a fit in the main thread after its step, or at once if it comes twice. The state
    and the best adapter so far are written.

    Example:
        >>> result = fit_task("DATA", out="runs/mine", config=FitConfig(minutes=30))

    Args:
        task: a task with train and val splits, or a path that ``load_task`` reads.
        base: a base, or its name, folder or file.
        out: the run folder to write, with the log, two pictures and the state for ``resume``.
        config: settings; None takes those of the command line, and with ``resume`` the run's own budget.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        resume: continue the run in ``out``; start one if there is none. Everything but the budget must be as before. A
            larger budget continues a fit also after its end; the learning rate then follows the larger budget.
        progress: True shows bars in a terminal or a notebook, False shows nothing. A function receives the events of
            encoding (``Count``) and of the fit (``samtailor.fitting.progress``).

    Raises:
        ArgumentError: an argument is of a wrong type, or ``out`` is missing.
        BaseModelError: the base cannot be loaded.
        AdapterError: an option of the method is out of its range.
        FitError: ``out`` holds a run and ``resume`` is off, it holds a run with other settings or a smaller budget, or
            another fit is writing to it.
        FitInterrupted: the fit was stopped; it says how to continue. It is a KeyboardInterrupt.
        FitCollapseError: training collapsed; ``out`` holds the best adapter so far.
        DataError: a split is missing, or has nothing to train or validate on.
    """
    if out is None:
        raise ArgumentError("out is missing; expected the folder to write.", 'Pass one, such as out="runs/mine".')
    if not isinstance(config, FitConfig | None):
        raise wrong_type("config", config, "a FitConfig")
    run, store, opened = Run.of(out, "out"), as_cache(cache), as_task(task)
    if config is None:  # a run that goes on keeps its own budget
        config = FitConfig(**(budget_of_run(run) if resume else {}))
    with showing(progress, FitDisplay) as shown:
        return _fit(opened, open_base(base, device=device), run, config, store, resume, shown)


def _fit(
    task: Task, base: Base, run: Run, config: FitConfig, cache: EmbeddingStore, resume: bool, progress: Progress
) -> FitResult:
    config = replace(config, precision=_precision(config, base))  # the run records the precision, not "auto"
    check_token(config, base)
    sampler = Sampler(task.split("train"), config)
    check_validation(task.split("val"))
    adapter = build_adapter(config.method, base, config.seed, **config.method_options).to(base.device)
    adapter.learn_names(sorted({i.label for _, instances in sampler.images for i in instances}))
    adapter.fitted_on = config.prompts
    command = resume_command(task, base, run.folder, config)
    with stop_on_signals() as stop:
        try:
            run.prepare(resume)
            with locked(run.folder, progress):
                remove_stale(run.folder)
                run.start_log()
                run.write_source(task, base.name, command)
                _draw_preview(run, task, progress)
                model = AdaptedModel.of(base, adapter, cache)
                trainer = _trainer(model, task, sampler, config, run, progress, stop)
                return _train(trainer, task, config, run, progress)
        except (Stopped, KeyboardInterrupt) as error:
            what = str(error) or f"The fit was stopped. What was computed for it is kept in {run.folder}."
            raise FitInterrupted(what, f"Continue it: {command}", 128 + (stop.signal or signal.SIGINT)) from None


def _trainer(
    model: AdaptedModel, task: Task, sampler: Sampler, config: FitConfig, run: Run, progress: Progress, stop: Stop
) -> Trainer[AdapterWork]:
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
    work = AdapterWork(model, sampler, draws, config)
    trainer = Trainer(work, sampler.steps_per_epoch, config, run, context, progress)
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


def _train(trainer: Trainer[AdapterWork], task: Task, config: FitConfig, run: Run, progress: Progress) -> FitResult:
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


def _draw_preview(run: Run, task: Task, progress: Progress) -> None:
    """Draw some images with their masks, so that people see a wrong reading at once. This never stops a fit."""
    if run.preview.exists():
        return
    try:
        write_preview(task, run.preview)
    except Exception as error:  # whatever is wrong with a picture, the fit itself says if it matters
        progress(Note(f"The preview of the dataset cannot be drawn: {error}"))


def _precision(config: FitConfig, base: Base) -> Precision:
    if config.precision == "auto" and base.reference_decoder:
        return "float32"  # the reference decoder's order of evaluation gains nothing from bfloat16
    return "bfloat16" if choose_precision(config.precision, base.device) == "bfloat16" else "float32"
