"""The one training loop, for every method and every base."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.lesson import Lesson
from samtailor.errors import FitCollapseError
from samtailor.fitting.batches import Draw, Sampler
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.fitting.config import FitConfig
from samtailor.fitting.progress import Reporter
from samtailor.fitting.schedule import Budget, learning_rate
from samtailor.fitting.state import FitState, copy_parameters, load_state, save_state, set_parameters
from samtailor.fitting.validate import Validation, validate
from samtailor.frames import Frame
from samtailor.losses import Target, mask_losses
from samtailor.machine.device import choose_precision
from samtailor.machine.files import append_json, write_atomically

__all__ = ["Trainer"]

TOLERANCE = 0.01  # validation may fall this far below the best before it counts as falling back
EMPTY_SHARE = 0.8  # of predicted masks, over the last ten steps or so: this is a collapse
LOST_SHARE = 0.5  # of the best: a fit that had fallen to a twelfth of it was still there 100 steps later
PATIENT_STEPS = 60  # validation may dip at first: on faces it stood below the base at step 100 and far above at 300
LAST_BACKOFF = 6
EARLIEST_STOP = 0.3  # share of the budget; before, the rate has hardly warmed up
SAVE_SECONDS = 30.0
COLLAPSE = "collapse"


class Trainer:
    """Fits one adapter; everything it needs to go on after a kill is in the run folder.

    Args:
        model: the base with a fresh adapter.
        sampler: training batches.
        validation: the draws that choose the best adapter.
        config: settings.
        folder: the run folder.
        reporter: hears of every step.
        context: what must not change between a killed run and its continuation.

    Raises:
        AdapterError: the model has no adapter.
    """

    def __init__(
        self,
        model: AdaptedModel,
        sampler: Sampler,
        validation: Sequence[Draw],
        config: FitConfig,
        folder: Path,
        reporter: Reporter,
        context: dict[str, Any],
    ) -> None:
        self.model, self.base, self.adapter = model, model.base, model.require_adapter()
        self.sampler, self.draws = sampler, validation
        self.config, self.folder, self.reporter = config, folder, reporter
        adapter = self.adapter
        self.peak_rate = config.lr or adapter.peak_rate
        self.optimiser = torch.optim.AdamW(_by_share(adapter), lr=self.peak_rate, weight_decay=config.weight_decay)
        passes = None if config.epochs is None else max(1, math.ceil(config.epochs * sampler.steps_per_epoch))
        steps = min((n for n in (passes, config.steps) if n is not None), default=None)
        self.budget = Budget(None if config.minutes is None else config.minutes * 60, steps)
        self.state = FitState(context=context)
        self.best = copy_parameters(adapter)
        self._saved_at = time.monotonic()

    def resume(self) -> bool:
        """Take up a state file in the run folder; False if there is none."""
        loaded = load_state(self.folder, self.adapter, self.optimiser)
        if loaded is None:
            return False
        self.state, self.best = loaded
        _cut_log(self.folder / "metrics.jsonl", self.state.step)
        return True

    def run(self) -> FitState:
        """Train until the budget ends or nothing improves; the adapter then holds the best parameters.

        Raises:
            FitCollapseError: masks became empty or numbers not finite; the best adapter so far is kept in the state.
        """
        state = self.state
        if not state.base:
            self._validate_base()
        if state.finished.startswith(COLLAPSE):
            raise self._collapsed()
        while not state.finished:
            began = time.perf_counter()
            progress = self.budget.progress(state.step, state.elapsed)
            row = self._step(progress)
            state.step += 1
            state.elapsed += time.perf_counter() - began
            self._log({"step": state.step, "seconds": round(state.elapsed, 3), **row})
            after = self.budget.progress(state.step, state.elapsed)
            self.reporter.step(state, row, after)
            if after >= min(state.due, 1.0):
                began = time.perf_counter()
                self._validate(last=after >= 1)
                self._account(time.perf_counter() - began)
                self._finish_if_due(after)
                self._save()
            elif time.monotonic() - self._saved_at > SAVE_SECONDS:
                self._save()
        self.restore_best()
        return state

    def restore_best(self) -> None:
        """Give the adapter the best parameters so far; those of step 0 while nothing beat the base."""
        set_parameters(self.adapter, self.best)

    def hand_out(self) -> None:
        """The best adapter in its final form: one that answers as the base does, while nothing beat the base.

        Where the base's own mask of another token is best, it answers with that one.
        """
        self.restore_best()
        if self.state.best_step == 0:
            if not self.state.beats_base:
                self.adapter.read_token(0)
            self.adapter.switch_off()

    def gradients(self, draws: Sequence[Draw], progress: float = 0.0) -> dict[str, float]:
        """Add the gradient of the mean loss over the draws' prompts; the terms, and the share of empty masks.

        The method's own terms come last, under its names.
        """
        total = sum(len(d.instances) for d in draws)
        sums = {"loss": 0.0, "focal": 0.0, "dice": 0.0, "iou": 0.0, "empty": 0.0}
        weights = asdict(self.config.losses)
        for draw in draws:  # image by image: the activations of one image at a time
            image = self.model.open(draw.image)
            truth, valid, target = self._target(draw, image.frame)
            cells = None if target.cells is None else target.cells[None]
            with self._precision():
                out = self.model.decode(image, draw.prompts, cells=cells)
            logits = out.logits[0, :, 0].float()
            estimate = out.iou[0, :, 0].float()
            terms = mask_losses(logits, estimate, target.truth, target.weight, target.hard, target.total)
            with self._precision():
                noise = (draw.noise + 1) % 2**63  # apart from what drew the cells
                extra = self.adapter.extra_terms(Lesson(out, target, truth, valid, progress, noise))
            loss = torch.stack([*(weights[name] * term for name, term in terms.items()), *extra.values()]).sum(0)
            (loss.sum() / total).backward()  # type: ignore[no-untyped-call]
            for name, values in {"loss": loss, **terms, **extra}.items():
                sums[name] = sums.get(name, 0.0) + float(values.detach().sum())
            sums["empty"] += float((~((logits > 0) & (target.weight > 0)).flatten(1).any(1)).sum())
        return {name: value / total for name, value in sums.items()}

    def _precision(self) -> torch.autocast:
        wanted = choose_precision(self.config.precision, self.base.device) == "bfloat16"
        return torch.autocast(self.base.device.type, dtype=torch.bfloat16, enabled=wanted)

    def _target(self, draw: Draw, frame: Frame) -> tuple[Tensor, Tensor, Target]:
        """Shares (N, l, l), which pixels are no padding (l, l), and what of them the losses look at."""
        # One mask at a time, on the CPU: masks of large photos would fill an accelerator.
        low = torch.cat([frame.masks_to_low_res(torch.from_numpy(i.mask())[None]) for i in draw.instances])
        valid = frame.valid_low_res()
        share = self.config.cells
        target = full_target(low, valid) if share >= 1 else sampled_target(low, valid, share, draw.noise)
        device = self.base.device
        moved = {k: v.to(device) for k, v in vars(target).items() if v is not None}
        return low.to(device), valid.to(device), Target(**moved)

    def _step(self, progress: float) -> dict[str, float]:
        state = self.state
        rate = learning_rate(self.peak_rate * state.rate_scale, state.step, progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.adapter.train()
        self.optimiser.zero_grad(set_to_none=True)
        terms = self.gradients(self.sampler.batch(state.step), progress)
        norm = float(torch.nn.utils.clip_grad_norm_(self.adapter.owned_parameters().values(), self.config.clip))
        state.emptiness += 0.2 * (terms["empty"] - state.emptiness)
        if not math.isfinite(terms["loss"]) or not math.isfinite(norm):
            self._collapse("the loss or its gradient is no longer a finite number", rate)
        elif state.emptiness > max(EMPTY_SHARE, (1 + state.empty_at_first) / 2):  # some bases start nearly empty
            self._collapse(f"{state.emptiness:.0%} of the predicted masks are empty", rate)
        else:
            self.optimiser.step()
        named = {"iou_loss" if name == "iou" else name: value for name, value in terms.items()}
        return {**named, "lr": rate, "grad_norm": norm}

    def _collapse(self, what: str, rate: float) -> None:
        state = self.state
        if self.config.lr is None and state.backoffs < LAST_BACKOFF:
            self._back_off(f"{what} at step {state.step + 1}")
            return
        state.finished = f"{COLLAPSE} at step {state.step + 1} (learning rate {rate:.1e}): {what}"
        self._save()
        raise self._collapsed()

    def _collapsed(self) -> FitCollapseError:
        return FitCollapseError(
            f"The fit ended in a {self.state.finished}.",
            f"The best adapter so far (step {self.state.best_step}) is kept in {self.folder}. "
            "Fit again in another folder with a lower --lr, or without --lr, which adapts it.",
        )

    def _back_off(self, why: str) -> None:
        """Back to the best parameters, at half the rate and without momentum."""
        state = self.state
        state.rate_scale *= 0.5
        state.backoffs += 1
        state.emptiness, state.anchor = 0.0, state.step
        self.restore_best()
        self.optimiser.state.clear()
        self.reporter.note(f"{why}: back to step {state.best_step}, rate x {state.rate_scale:g}")

    def _validate_base(self) -> None:
        state, began = self.state, time.perf_counter()
        found = validate(self.model.plain, self.draws)
        state.base = state.best = asdict(found)
        state.empty_at_first = found.empty
        self._log_validation(found, state.base)
        # Not fitting time: the rate's warm-up would be half over before the first step of a short fit.
        self._account(time.perf_counter() - began, counts=False)
        if self.adapter.mask_token:  # the base's mask of this token takes part in the choice too
            untrained = validate(self.model, self.draws)
            self.reporter.note(f"the base's mask {self.adapter.mask_token} alone: val mIoU {untrained.miou:.3f}")
            state.best = asdict(max(found, untrained, key=lambda v: v.miou))
            state.empty_at_first = untrained.empty
        self._save()

    def _validate(self, last: bool) -> None:
        """Score; keep the adapter if it is the best, else perhaps go back, unless nothing would come after."""
        state = self.state
        self.adapter.eval()
        found = validate(self.model, self.draws)
        fell = found.miou < state.best["miou"] - TOLERANCE
        if found.miou > state.best["miou"]:
            state.best, state.best_step, state.stale = asdict(found), state.step, 0
            state.anchor = state.step
            self.best = copy_parameters(self.adapter)
        else:
            state.stale += 1
        self._log_validation(found, state.best)
        lost = found.miou < LOST_SHARE * state.best["miou"]
        settled = state.step - state.anchor >= PATIENT_STEPS
        may = self.config.lr is None and settled and not last and state.backoffs < LAST_BACKOFF
        if may and (lost or (fell and state.stale >= 2)):
            self._back_off(f"validation fell to {found.miou:.3f} from {state.best['miou']:.3f}")

    def _account(self, seconds: float, counts: bool = True) -> None:
        """Count a validation's time and say when the next is due.

        With a budget of time, so far off that validating takes a sixth of it at most; steps must not hear of the clock.
        """
        state = self.state
        state.elapsed += seconds if counts else 0.0
        now = self.budget.progress(state.step, state.elapsed)
        state.due = (math.floor(now * self.config.validations) + 1) / self.config.validations
        if self.budget.seconds:
            state.due = max(state.due, now + 5 * seconds / self.budget.seconds)

    def _finish_if_due(self, progress: float) -> None:
        state = self.state
        if progress >= 1:
            state.finished = "the budget is used up"
        elif state.stale >= self.config.patience and progress > EARLIEST_STOP:
            state.finished = f"no new best in {state.stale} validations"

    def _save(self) -> None:
        save_state(self.folder, self.state, self.adapter, self.best, self.optimiser)
        self._saved_at = time.monotonic()

    def _log_validation(self, found: Validation, best: dict[str, float]) -> None:
        state = self.state
        scores = {f"val_{name}": value for name, value in asdict(found).items()}
        self._log({"step": state.step, "seconds": round(state.elapsed, 3), **scores})
        self.reporter.validation(state, found, best)

    def _log(self, row: dict[str, float]) -> None:
        append_json(self.folder / "metrics.jsonl", row)


def _by_share(adapter: Adapter) -> list[dict[str, Any]]:
    """The adapter's parameters, those together that learn with the same share of the rate."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in adapter.owned_parameters().items():
        groups.setdefault(adapter.rate_share(name), []).append(parameter)
    return [{"params": parameters, "share": share} for share, parameters in groups.items()]


def _cut_log(path: Path, step: int) -> None:
    """Drop rows that a killed run wrote after its last saved state; those steps come again."""
    if path.is_file():
        rows = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
        write_atomically(path, "".join(f"{row}\n" for row in rows).encode())


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError):  # the line that the kill cut in two
        return math.inf
