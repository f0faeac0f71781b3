"""Fit an adapter to a task: the verb around the one training loop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, save_adapter
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.drawing.curve import plot_curve
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.encode import EncodeProgress, encode_task
from samtailor.errors import FitCollapseError, FitError
from samtailor.fitting.batches import Sampler, validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.loop import Trainer
from samtailor.fitting.progress import Estimate, Reporter
from samtailor.fitting.state import FILE as STATE_FILE
from samtailor.fitting.state import read_state
from samtailor.fitting.validate import token_scores, validate
from samtailor.machine.device import choose_precision
from samtailor.machine.files import write_json
from samtailor.machine.memory import peak_memory
from samtailor.machine.provenance import commit, hardware, versions

__all__ = ["FitResult", "fit_task"]

RUN_FILE = "run.json"  # where the task lies: apart from the adapter's files, which may be given away


@dataclass(frozen=True)
class FitResult:
    """Outcome of a fit.

    Attributes:
        adapter: the best one, in evaluation mode; the identity when nothing beat the base.
        beats_base: whether validation says that it is better than the base.
        base: validation scores of the base (``miou``, ``iou_instances``, ``n``).
        best: validation scores of the adapter.
        best_step: 0 when nothing beat the base.
        steps: how many were done.
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
    reporter: Reporter | None = None,
    encoding: Callable[[EncodeProgress], None] | None = None,
) -> FitResult:
    """Fit on the train split, choose on the val split, write ``adapter.safetensors`` and ``adapter.json`` to ``out``.

    The untouched base takes part in the choice: an adapter that validation says is worse is never handed out. With a
    limit in epochs or steps alone, the same seed on the same CPU gives the same bits, killed and resumed or not; a
    limit in minutes follows the clock, so it cannot.

    Args:
        task: with train and val splits.
        base: the frozen model, on the device to use.
        out: the run folder; also gets metrics.jsonl, curve.png and the state for ``resume``.
        config: settings.
        cache: default: the user's cache.
        resume: go on with the run in ``out``; without one there, start.
        reporter: hears of progress.
        encoding: hears of the encoding that comes first.

    Raises:
        AdapterError: an option of the method is out of its range.
        FitError: ``out`` holds a run and ``resume`` is off, or a run with other settings.
        FitCollapseError: training collapsed; the best adapter so far is in ``out`` all the same.
        DataError: a split is missing, or has nothing to train or validate on.
    """
    reporter, cache = reporter or Reporter(), cache or EmbeddingCache()
    config = replace(config, precision=_precision(config, base))  # what is written down is exact
    if config.mask_token is not None and config.mask_token >= base.mask_tokens:
        raise FitError(
            f"mask_token is {config.mask_token}; the base {base.name!r} has {base.mask_tokens} mask tokens.",
            f"Choose 0 to {base.mask_tokens - 1}.",
        )
    train, val = task.split("train"), task.split("val")
    common = {"kind": config.prompts, "jitter": config.jitter, "seed": config.seed}
    sampler = Sampler(
        train,
        batch=config.batch,
        min_area=config.min_area,
        sampling=config.sampling,
        **common,  # type: ignore[arg-type]
    )
    draws = validation_draws(val, limit=config.val_prompts, **common)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        adapter = build_adapter(config.method, base, **config.method_options).to(base.device)
    _check_folder(out, resume)
    _check_context(out, context := _context(task, base, config, config.lr or adapter.peak_rate))
    needed = {r.path: r for r in [*(r for r, _ in sampler.images), *(d.image for d in draws)]}
    encode_task(base, list(needed.values()), cache, progress=encoding)
    write_json(out / RUN_FILE, {"task": task.source})
    model = AdaptedModel.of(base, adapter, cache)
    tokens = _choose_token(out, adapter, config, lambda: token_scores(model, draws))
    trainer = Trainer(model, sampler, draws, config, out, reporter, context)
    trainer.resume()
    trainer.state.token_scores = tokens
    if not trainer.state.finished:
        reporter.estimate(_estimate(trainer))
    try:
        state = trainer.run()
    except FitCollapseError:
        trainer.hand_out()
        _write(out, trainer, task, config)
        raise
    trainer.hand_out()
    _write(out, trainer, task, config)
    return FitResult(
        adapter.eval(), state.beats_base, state.base, state.best, state.best_step, state.step, state.finished
    )


def _precision(config: FitConfig, base: Base) -> str:
    if config.precision == "auto" and base.reference_decoder:
        return "float32"  # its order of evaluation gains nothing from bfloat16
    return choose_precision(config.precision, base.device)


def _choose_token(out: Path, adapter: Adapter, config: FitConfig, score: Callable[[], list[float]]) -> list[float]:
    """Tell the adapter which token to read, a resumed one as before; the scores by which that was chosen, if it was."""
    if config.mask_token is not None or not adapter.chooses_token:
        adapter.read_token(config.mask_token or 0)
        return []
    state = read_state(out)
    found = state.token_scores if state and state.token_scores else score()
    adapter.read_token(found.index(max(found)))
    return found


def _check_folder(out: Path, resume: bool) -> None:
    begun = (out / STATE_FILE).exists()
    if not resume and (begun or (out / "adapter.json").exists()):
        raise FitError(f"{out} already holds a run.", "Go on with it with --resume, or choose another folder.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / "metrics.jsonl").open("a" if begun else "w"):
            pass
    except OSError as error:
        raise FitError(f"The run folder {out} cannot be written: {error.strerror}.", "Choose another.") from error


def _context(task: Task, base: Base, config: FitConfig, peak_rate: float) -> dict[str, Any]:
    counts = {name: [len(images), sum(len(r.instances) for r in images)] for name, images in task.splits.items()}
    context = {
        "config": config.to_dict(),
        "peak rate": peak_rate,  # a method's own may be another in another version
        "base": base.fingerprint,
        "task": task.name,
        "images and instances": counts,
    }
    if "only" in task.source:
        context["class"] = task.source["only"]
    return dict(json.loads(json.dumps(context)))


def _check_context(out: Path, context: dict[str, Any]) -> None:
    state = read_state(out)
    if state is None:
        return
    saved, now = _flat({"config": {}, **state.context}), _flat(context)
    # A setting that is younger than the run had what is its default.
    saved = {f"config.{k}": v for k, v in FitConfig(steps=1).to_dict().items() if k != "steps"} | saved
    changed = [f"{k} {saved.get(k)} -> {now.get(k)}" for k in now if saved.get(k) != now.get(k)]
    if changed:
        raise FitError(
            f"The run in {out} was started with other settings: {'; '.join(changed)}.",
            "Resume with the same settings, or start another folder.",
        )


def _flat(context: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in context.items() if k != "config"} | {
        f"config.{k}": v for k, v in context["config"].items()
    }


def _estimate(trainer: Trainer) -> Estimate:
    """One step whose gradient is thrown away, and a few validation images, timed."""
    began = time.perf_counter()
    trainer.gradients(trainer.sampler.batch(trainer.state.step), progress=1.0)  # with terms that come late
    trainer.optimiser.zero_grad(set_to_none=True)
    step = time.perf_counter() - began
    few = trainer.draws[:3]
    began = time.perf_counter()
    validate(trainer.model, few)
    instances = sum(len(d.instances) for d in trainer.draws)
    validation = (time.perf_counter() - began) / sum(len(d.instances) for d in few) * instances
    all_validation = validation * (trainer.config.validations + 1)

    limits = []
    if trainer.budget.steps:
        limits.append(trainer.budget.steps * step + all_validation)
    if trainer.budget.seconds:
        limits.append(trainer.budget.seconds)
        all_validation = min(all_validation, trainer.budget.seconds / 6)  # the loop sees to that
    seconds = min(limits)
    steps = max(1, int((seconds - all_validation) / step))
    return Estimate(step, validation, steps, seconds, peak_memory(trainer.base.device), trainer.sampler.left_out)


def _write(out: Path, trainer: Trainer, task: Task, config: FitConfig) -> None:
    state = trainer.state
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
        "validation": {"base": state.base, "adapted": state.best, "beats_base": state.beats_base}
        | ({"base_by_mask_token": state.token_scores} if state.token_scores else {}),
        "versions": versions(),
        "hardware": hardware(trainer.base.device),
        "commit": commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_adapter(out, trainer.adapter, trainer.base, facts)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    plot_curve(rows, out / "curve.png")
