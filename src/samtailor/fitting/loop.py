"""The one training loop, for everything that is trained."""

from __future__ import annotations

import math
import time
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from samtailor.errors import FitCollapseError
from samtailor.fitting.average import read_average, update_average
from samtailor.fitting.config import FitConfig
from samtailor.fitting.plan import budget_of, planned_validations
from samtailor.fitting.policy import Policy
from samtailor.fitting.progress import Stepped, Validated
from samtailor.fitting.schedule import learning_rate
from samtailor.fitting.state import FitState, copy_parameters, load_state, save_state, set_parameters
from samtailor.fitting.stop import Stop
from samtailor.fitting.trained import Trained
from samtailor.fitting.validate import Validation
from samtailor.fitting.work import Work
from samtailor.machine.progress import Note, Progress, silent
from samtailor.runs import Run

__all__ = ["Trainer"]

SAVE_SECONDS = 30.0
COLLAPSE = "collapse"


W = TypeVar("W", bound=Work)


class Trainer(Generic[W]):
    """Does the work of one fit; the run folder holds everything needed to continue after a kill.

    Args:
        work: what is trained and how it is scored.
        steps_per_epoch: of the training data.
        config: settings.
        run: the run folder.
        context: settings, base and task, which must not change between a killed run and its continuation.
        progress: receives ``Stepped``, ``Validated`` and ``Note`` events.
    """

    def __init__(
        self,
        work: W,
        steps_per_epoch: int,
        config: FitConfig,
        run: Run,
        context: dict[str, Any],
        progress: Progress = silent,
    ) -> None:
        self.work, self.trained = work, work.trained
        self.config, self.run_folder, self.progress = config, run, progress
        self.budget = budget_of(config, steps_per_epoch)
        prompts = work.per_validation * (2 if config.average else 1)
        validations = planned_validations(config, self.budget, work.per_step, prompts)
        self.policy = Policy(config.lr is None, validations, config.patience)
        self.peak_rate = config.lr or work.peak_rate
        groups = _parameter_groups(self.trained)
        self.optimiser = torch.optim.AdamW(groups, lr=self.peak_rate, weight_decay=config.weight_decay)
        self.state = FitState(context=context)
        self.best = self._untrained = copy_parameters(self.trained)
        self.average = copy_parameters(self.trained) if config.average else {}
        self.stop = Stop()
        self._saved_at = time.monotonic()

    def resume(self) -> bool:
        """Continue from the state file in the run folder; False if there is none."""
        loaded = load_state(self.run_folder, self.trained, self.optimiser)
        if loaded is None:
            return False
        self.state, self.best = loaded
        if self.config.average:
            self.average = read_average(self.run_folder, self.trained)
        state = self.state
        # A validation is logged before the state with it is saved. If it is still due, it is logged again.
        due = not state.finished and self.budget.progress(state.step, state.elapsed) >= min(state.due, 1.0)
        self.run_folder.cut_log(state.step, validated=bool(state.base) and not due)
        return True

    def extend(self, context: dict[str, Any], other_draws: bool) -> None:
        """Continue a resumed fit with the larger budget of this trainer, from its last step.

        Args:
            context: with the larger budget.
            other_draws: whether the larger budget has other validation draws; then the scores so far are renewed.
        """
        state = self.state
        if other_draws:
            self._score_again()
        state.context, state.finished, state.stale = context, "", 0
        state.extended_at.append(state.step)
        self._plan_validation(0.0)
        self.save()

    def run(self) -> FitState:
        """Train until the budget ends or nothing improves; the adapter then holds the best parameters.

        Raises:
            FitCollapseError: masks became empty or numbers not finite; the state keeps the best adapter so far.
            Stopped: ``stop`` was asked for; ``save`` then keeps what a continued fit needs.
        """
        state = self.state
        if not state.base:
            self._validate_base()
        if state.finished.startswith(COLLAPSE):
            raise self._collapsed()
        while not state.finished:
            self.stop.check()
            used = self.budget.progress(state.step, state.elapsed)
            if used >= min(state.due, 1.0):
                start = time.perf_counter()
                self._validate(last=used >= 1)
                seconds = time.perf_counter() - start
                state.elapsed += seconds
                self._plan_validation(seconds)
                state.finished = self.policy.ended(state, used)
                self.save()
                continue
            start = time.perf_counter()
            terms = self._step(used)
            state.step += 1
            state.elapsed += time.perf_counter() - start
            self._log(terms)
            used = self.budget.progress(state.step, state.elapsed)
            self.progress(Stepped(state, terms, used))
            if used < min(state.due, 1.0) and time.monotonic() - self._saved_at > SAVE_SECONDS:
                self.save()
        self.restore_best()
        return state

    def restore_best(self) -> None:
        """Set the adapter to the best parameters so far: those of step 0 while nothing has beaten the base."""
        set_parameters(self.trained, self.best)

    def finish(self) -> None:
        """Set the module to its final parameters: the best ones, or none that change the base if nothing beat it."""
        self.restore_best()
        self.work.finish(self.state)

    def _step(self, progress: float) -> dict[str, float]:
        state = self.state
        rate = learning_rate(self.peak_rate * state.rate_scale, state.step, progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.trained.train()
        self.optimiser.zero_grad(set_to_none=True)
        terms = self.work.gradients(state.step, progress)
        norm = self._limit_gradient()
        state.emptiness += 0.2 * (terms["empty"] - state.emptiness)
        if reason := self.policy.collapse(state, terms["loss"], norm):
            self._handle_collapse(reason, rate)
        else:
            self.optimiser.step()
            if self.average:
                update_average(self.average, self.trained, self.config.average)
        row = {"iou_loss" if name == "iou" else name: value for name, value in terms.items()}
        return {**row, "lr": rate, "grad_norm": norm}

    def _limit_gradient(self) -> float:
        """Limit the norm of the gradient, group by group; return the largest norm that a group had."""
        groups: dict[str, list[torch.nn.Parameter]] = {}
        for name, parameter in self.trained.owned_parameters().items():
            groups.setdefault(self.trained.clip_group(name), []).append(parameter)
        norms = [float(torch.nn.utils.clip_grad_norm_(group, self.config.clip)) for group in groups.values()]
        return max(norms) if all(map(math.isfinite, norms)) else math.nan

    def _handle_collapse(self, reason: str, rate: float) -> None:
        state = self.state
        if self.policy.may_go_back(state):
            self._go_back(f"{reason} at step {state.step + 1}")
            return
        state.finished = f"{COLLAPSE} at step {state.step + 1} (learning rate {rate:.1e}): {reason}"
        self.save()
        raise self._collapsed()

    def _collapsed(self) -> FitCollapseError:
        return FitCollapseError(
            f"The fit ended in a {self.state.finished}.",
            f"The best adapter so far (step {self.state.best_step}) is kept in {self.run_folder.folder}. "
            "Fit again in another folder with a lower --lr, or without --lr, which adapts it.",
        )

    def _go_back(self, reason: str) -> None:
        """Restore the best parameters, halve the rate and clear the optimiser's moments."""
        state = self.state
        state.rate_scale *= 0.5
        state.backoffs += 1
        state.emptiness, state.anchor, state.falls = 0.0, state.step, 0
        self.restore_best()
        self.average = copy_parameters(self.trained) if self.average else {}
        self.optimiser.state.clear()
        self.progress(Note(f"{reason}: back to step {state.best_step}, rate x {state.rate_scale:g}"))

    def _validate_base(self) -> None:
        state, start = self.state, time.perf_counter()
        scores, untrained, remark = self.work.score_start(self.stop.check)
        seconds = (time.perf_counter() - start) / (1 if untrained is None else 2)
        state.base = scores.facts()
        self._set_best(scores if untrained is None else max(scores, untrained, key=lambda v: v.miou))
        state.empty_at_first = (untrained or scores).empty
        self._report(scores, scores.miou)
        if remark:
            self.progress(Note(remark))
        # This does not count as fitting time; otherwise half of a short fit's warm-up would pass before its first step.
        self._plan_validation(seconds)
        self.save()

    def _set_best(self, scores: Validation) -> None:
        self.state.best, self.state.best_ious = scores.facts(), list(scores.ious)

    def _score_again(self) -> None:
        """Score the base and the best adapter on other draws; the adapter keeps its present parameters."""
        state = self.state
        present = copy_parameters(self.trained)
        set_parameters(self.trained, self._untrained)
        try:
            scores, untrained, _ = self.work.score_start(self.stop.check)
            best = scores if untrained is None else max(scores, untrained, key=lambda v: v.miou)
            if state.best_step:
                self.restore_best()
                self.trained.eval()
                best = max(scores, self.work.score(self.stop.check), key=lambda v: v.miou)
        finally:
            set_parameters(self.trained, present)
        if best is scores and state.best_step:
            state.best_step, self.best = 0, self._untrained
        state.base, state.falls = scores.facts(), 0
        self._set_best(best)
        self._report(scores, best.miou)

    def _validate(self, last: bool) -> None:
        """Score the adapter, keep it if it is the best, and go back if the policy says so, except at the very end."""
        state = self.state
        self.trained.eval()
        scores, parameters = self._scores()
        state.falls = state.falls + 1 if self.policy.fell(state, scores) else 0
        if self.policy.is_best(state, scores):
            self._set_best(scores)
            state.best_step, state.stale = state.step, 0
            state.anchor = state.step
            self.best = parameters
        else:
            state.stale += 1
        self._report(scores, state.best["miou"])
        if not last and self.policy.should_go_back(state, scores):
            self._go_back(f"validation fell to {scores.miou:.3f} from {state.best['miou']:.3f}")

    def _scores(self) -> tuple[Validation, dict[str, Tensor]]:
        """Score the adapter and the average of its parameters; return the better score with its parameters."""
        scores, now = self.work.score(self.stop.check), copy_parameters(self.trained)
        if not self.average:
            return scores, now
        set_parameters(self.trained, self.average)
        try:
            averaged, parameters = self.work.score(self.stop.check), copy_parameters(self.trained)
        finally:
            set_parameters(self.trained, now)
        return (averaged, parameters) if averaged.miou > scores.miou else (scores, now)

    def _plan_validation(self, seconds: float) -> None:
        used = self.budget.progress(self.state.step, self.state.elapsed)
        self.state.due = self.policy.next_validation(used, seconds, self.budget)

    def save(self) -> None:
        """Replace the state file; between two steps it holds all that a continued fit needs."""
        save_state(self.run_folder, self.state, self.trained, self.best, self.optimiser, self.average)
        self._saved_at = time.monotonic()

    def _report(self, scores: Validation, best_miou: float) -> None:
        self._log({f"val_{name}": value for name, value in scores.facts().items()})
        self.progress(Validated(self.state, scores, best_miou))

    def _log(self, values: dict[str, float]) -> None:
        row = {"step": self.state.step, "seconds": round(self.state.elapsed, 3), **values}
        self.run_folder.append_to_log(row)


def _parameter_groups(trained: Trained) -> list[dict[str, Any]]:
    """Group the parameters by their share of the learning rate."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in trained.owned_parameters().items():
        groups.setdefault(trained.rate_share(name), []).append(parameter)
    return [{"params": parameters, "share": share} for share, parameters in groups.items()]
