"""Decisions of a fit, tested without a fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.fitting.policy import EARLIEST_STOP, LAST_BACKOFF, PATIENT_STEPS, Policy
from samtailor.fitting.schedule import Budget
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation, standard_error
from samtailor.metrics import mean_over_classes

POLICY = Policy(adaptive=True, validations=20, patience=10)


def state(**values: Any) -> FitState:
    return FitState(**{"step": 100, "best": {"miou": 0.5, "iou_instances": 0.5}} | values)


def scores(miou: float) -> Validation:
    return Validation(miou, miou, 8)


def test_a_small_dip_does_not_count_as_a_fall() -> None:
    assert not POLICY.fell(state(), scores(0.491))
    assert POLICY.fell(state(), scores(0.489))


def test_an_equal_score_is_not_a_new_best() -> None:
    assert not POLICY.is_best(state(), scores(0.5))
    assert POLICY.is_best(state(), scores(0.501))


@pytest.mark.parametrize(
    ("change", "miou", "goes_back"),
    [
        ({"falls": 2}, 0.4, True),
        ({"falls": 1}, 0.4, False),  # one bad validation may be chance
        ({"falls": 0}, 0.2, True),  # below half of the best: lost
        ({"falls": 2, "anchor": 100 - PATIENT_STEPS + 1}, 0.4, False),  # too soon after the last best
        ({"falls": 2, "backoffs": LAST_BACKOFF}, 0.4, False),
    ],
)
def test_a_fit_goes_back_after_a_lasting_fall(change: dict[str, int], miou: float, goes_back: bool) -> None:
    assert POLICY.should_go_back(state(**change), scores(miou)) is goes_back
    fixed = Policy(adaptive=False, validations=20, patience=10)
    assert not fixed.should_go_back(state(**change), scores(miou))


@pytest.mark.parametrize(
    ("loss", "norm", "values", "collapsed"),
    [
        (1.0, 1.0, {"emptiness": 0.8}, False),
        (1.0, 1.0, {"emptiness": 0.81}, True),
        (1.0, 1.0, {"emptiness": 0.94, "empty_at_first": 0.9}, False),  # the base started nearly empty
        (1.0, 1.0, {"emptiness": 0.96, "empty_at_first": 0.9}, True),
        (math.nan, 1.0, {}, True),
        (1.0, math.inf, {}, True),
    ],
)
def test_a_collapse_is_detected(loss: float, norm: float, values: dict[str, float], collapsed: bool) -> None:
    assert bool(POLICY.collapse(state(**values), loss, norm)) is collapsed


def test_a_fit_ends_with_its_budget_or_without_progress() -> None:
    assert POLICY.ended(state(), 1.0) == "the budget is used up"
    assert POLICY.ended(state(stale=10), EARLIEST_STOP + 0.01) == "no new best in 10 validations"
    assert POLICY.ended(state(stale=10), EARLIEST_STOP) == ""
    assert POLICY.ended(state(stale=9), 0.9) == ""


@given(st.floats(0, 1), st.floats(0, 1e4))
def test_validations_are_evenly_spaced_if_the_budget_has_no_minutes(progress: float, seconds: float) -> None:
    due = POLICY.next_validation(progress, seconds, Budget(None, 1000))
    assert progress < due <= progress + 1 / 20 + 1e-9
    assert due * 20 == pytest.approx(round(due * 20))


@given(st.floats(0, 1), st.floats(0, 600))
def test_validation_takes_at_most_a_sixth_of_a_time_budget(progress: float, seconds: float) -> None:
    due = POLICY.next_validation(progress, seconds, Budget(600, None))
    assert (due - progress) * 600 >= 5 * seconds - 1e-6


CLASSES = [*(f"often {k}" for k in range(14) for _ in range(13)), *(f"rare {k}" for k in range(4) for _ in range(4))]
"""Classes of the validation prompts of a task like facial parts: four of 18 classes are rare."""


def _simulated_backoffs(loss_of_quality: float, rng: np.random.Generator) -> int:
    """Count the times that a fit goes back in ten validations after its best.

    Each prompt keeps its own level of IoU; each validation moves every IoU by chance, because the parameters move.
    """
    level = rng.beta(3, 2, len(CLASSES))

    def validation(loss: float) -> Validation:
        ious = (level - loss + rng.normal(0, 0.12, len(CLASSES))).clip(0, 1)
        means = mean_over_classes(ious.tolist(), CLASSES), float(ious.mean())
        return Validation(*means, len(ious), 0.0, 0.0, tuple(ious))

    seen = [validation(0.0) for _ in range(5)]
    best = max(seen, key=lambda v: v.miou)  # the luckiest of several, as in a fit
    now, backoffs = state(best=best.facts(), best_ious=list(best.ious), anchor=100, step=100), 0
    for _ in range(10):
        now.step += 50
        scores = validation(loss_of_quality)
        now.falls = now.falls + 1 if POLICY.fell(now, scores) else 0
        if POLICY.is_best(now, scores):
            now.best, now.best_ious, now.stale, now.anchor = scores.facts(), list(scores.ious), 0, now.step
        else:
            now.stale += 1
        if POLICY.should_go_back(now, scores):
            backoffs, now.falls, now.anchor = backoffs + 1, 0, now.step
    return backoffs


def test_a_fit_without_a_loss_of_quality_does_not_go_back_and_one_with_a_loss_does() -> None:
    rng = np.random.default_rng(0)
    steady = [_simulated_backoffs(0.0, rng) > 0 for _ in range(200)]
    falling = [_simulated_backoffs(0.05, rng) > 0 for _ in range(200)]
    assert np.mean(steady) < 0.08  # with the mIoU and a tolerance of 0.01 it was 0.99
    assert np.mean(falling) > 0.95


def test_without_scores_of_single_prompts_the_mean_over_prompts_decides() -> None:
    assert POLICY.fell(state(best_ious=[0.5] * 3), Validation(0.9, 0.489, 8))
    assert not POLICY.fell(state(best_ious=[0.5] * 3), Validation(0.1, 0.491, 8))


def test_the_standard_error_is_that_of_the_mean_over_classes() -> None:
    scores, labels = [0.2, 0.4, 0.6, 0.8, 0.9], ["a", "a", "a", "b", "b"]
    variances = np.var([0.2, 0.4, 0.6], ddof=1) / 3, np.var([0.8, 0.9], ddof=1) / 2
    assert standard_error(scores, labels) == pytest.approx(sum(variances) ** 0.5 / 2)
    pooled = (0.08 + 0.005) / 3  # of both classes; a class of one prompt has no variance of its own
    expected = (sum(variances) + pooled) ** 0.5 / 3
    assert standard_error([*scores, 0.1], [*labels, "c"]) == pytest.approx(expected)
    assert standard_error([0.3], ["a"]) == 0
