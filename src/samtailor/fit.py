"""Fit an adapter to a task: the public verb around the training loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, save_adapter
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import Task
from samtailor.drawing.curve import plot_curve
from samtailor.drawing.preview import write_preview
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.opening import AnyCache, as_cache
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import ArgumentError, FitCollapseError
from samtailor.fitting.batches import Sampler, validation_draws
from samtailor.fitting.config import FitConfig, Precision
from samtailor.fitting.context import check_context, context_of
from samtailor.fitting.display import FitDisplay
from samtailor.fitting.forecast import forecast
from samtailor.fitting.loop import Trainer
from samtailor.fitting.tokens import check_token, choose_token
from samtailor.machine.arguments import wrong_type
from samtailor.machine.device import choose_precision
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.progress import Note, Progress
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyBase, AnyDevice, AnyRun, open_base
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

    Example:
        >>> result = fit_task("DATA", out="runs/mine", config=FitConfig(minutes=30))

    Args:
        task: a task with train and val splits, or a path that ``load_task`` reads.
        base: a base, or its name, folder or file.
        out: the run folder to write, with the log, two pictures and the state for ``resume``.
        config: settings; None takes those of the command line.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        resume: continue the run in ``out``; start one if there is none.
        progress: True shows bars in a terminal or a notebook, False shows nothing. A function receives the events of
            encoding (``Count``) and of the fit (``samtailor.fitting.progress``).

    Raises:
        ArgumentError: an argument is of a wrong type, or ``out`` is missing.
        BaseModelError: the base cannot be loaded.
        AdapterError: an option of the method is out of its range.
        FitError: ``out`` holds a run and ``resume`` is off, or it holds a run with other settings.
        FitCollapseError: training collapsed; ``out`` holds the best adapter so far.
        DataError: a split is missing, or has nothing to train or validate on.
    """
    if out is None:
        raise ArgumentError("out is missing; expected the folder to write.", 'Pass one, such as out="runs/mine".')
    if not isinstance(config, FitConfig | None):
        raise wrong_type("config", config, "a FitConfig")
    run, store, opened = Run.of(out, "out"), as_cache(cache), as_task(task)
    with showing(progress, FitDisplay) as shown:
        return _fit(opened, open_base(base, device=device), run, config or FitConfig(), store, resume, shown)


def _fit(
    task: Task, base: Base, run: Run, config: FitConfig, cache: EmbeddingStore, resume: bool, progress: Progress
) -> FitResult:
    config = replace(config, precision=_precision(config, base))  # the run records the precision, not "auto"
    check_token(config, base)
    sampler = Sampler(task.split("train"), config)
    draws = validation_draws(task.split("val"), config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        adapter = build_adapter(config.method, base, **config.method_options).to(base.device)
    adapter.fitted_on = config.prompts
    run.prepare(resume)
    context = context_of(task, base, config, config.lr or adapter.peak_rate)
    check_context(run, context)
    images = {r.path: r for r in [*(r for r, _ in sampler.images), *(d.image for d in draws)]}
    encode_images(base, list(images.values()), cache, progress=progress)
    run.write_source(task, base.name)
    _draw_preview(run, task, progress)
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
        "validation": validation | ({"base_by_mask_token": state.token_scores} if state.token_scores else {}),
        "versions": versions(),
        "hardware": hardware(base.device),
        "commit": commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_adapter(run.folder, trainer.adapter, base, facts)
    plot_curve(run.read_log(), run.curve)
