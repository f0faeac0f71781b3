"""Decisions of a fit, tested without a fit."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.fitting.policy import EARLIEST_STOP, LAST_BACKOFF, PATIENT_STEPS, Policy
from samtailor.fitting.schedule import Budget
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

POLICY = Policy(adaptive=True, validations=20, patience=10)


def state(**values: Any) -> FitState:
    return FitState(**{"step": 100, "best": {"miou": 0.5}} | values)


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
        ({"stale": 2}, 0.4, True),
        ({"stale": 1}, 0.4, False),  # one bad validation may be chance
        ({"stale": 1}, 0.2, True),  # below half of the best: lost
        ({"stale": 2, "anchor": 100 - PATIENT_STEPS + 1}, 0.4, False),  # too soon after the last best
        ({"stale": 2, "backoffs": LAST_BACKOFF}, 0.4, False),
    ],
)
def test_a_fit_goes_back_after_a_lasting_fall(change: dict[str, int], miou: float, goes_back: bool) -> None:
    assert POLICY.should_go_back(state(**change), scores(miou), fell=True) is goes_back
    fixed = Policy(adaptive=False, validations=20, patience=10)
    assert not fixed.should_go_back(state(**change), scores(miou), fell=True)


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
