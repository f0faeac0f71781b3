"""Settings of a fit that differ from today's."""

from __future__ import annotations

import pytest
from experiments.records.staleness import changed_settings
from experiments.specs.run import Run

from samtailor.adapters.methods import method_class


@pytest.mark.parametrize(
    ("old_settings", "expected"),
    [
        ({}, []),
        ({"precision": "bfloat16"}, []),
        ({"removed_setting": 1}, []),
        ({"clip": 2.0}, ["clip: 2.0, now 1.0"]),
        ({"method_options": {"width": 3}}, []),
    ],
)
def test_settings_that_would_differ_today_are_listed(old_settings: dict[str, object], expected: list[str]) -> None:
    run = Run.of({"task": "faces", "method": "plm", "epochs": 1}, (), "here")
    rate = method_class("plm").peak_rate
    fit = {"config": run.fit_config().to_dict() | old_settings, "peak_rate": rate}
    assert changed_settings(fit, run) == expected
    assert changed_settings(fit | {"peak_rate": None}, run) == expected  # older lines have no rate
    assert changed_settings(fit | {"peak_rate": 0.5}, run) == [*expected, f"peak rate: 0.5, now {rate}"]
    options = {"heads": 4, "hidden": 2048}
    assert changed_settings(fit | {"options": options}, run) == [*expected, "method_options.heads: 4, now 8"]


def test_an_explicit_rate_does_not_change_with_the_method() -> None:
    run = Run.of({"task": "faces", "method": "plm", "epochs": 1, "lr": 0.5}, (), "here")
    assert changed_settings({"config": run.fit_config().to_dict(), "peak_rate": 0.5}, run) == []
