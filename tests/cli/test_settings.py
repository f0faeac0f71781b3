"""Options of ``fit`` that come from FitConfig."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from samtailor.cli.settings import attribute_texts, with_settings
from samtailor.errors import FitError
from samtailor.fitting.config import RANGES, FitConfig
from tests.cli.conftest import Ran

SIMPLE = [f.name for f in dataclasses.fields(FitConfig) if f.name not in ("losses", "method_options")]


def command(settings: dict[str, Any], more: int = 3) -> None:
    received.append((settings, more))


received: list[tuple[dict[str, Any], int]] = []


def test_a_command_gets_an_option_for_each_simple_setting() -> None:
    decorated = with_settings(command)
    parameters = inspect.signature(decorated).parameters
    assert sorted(parameters) == sorted([*SIMPLE, "more"])
    assert all(parameters[name].default == getattr(FitConfig, name) for name in SIMPLE)
    values = {name: parameters[name].default for name in SIMPLE} | {"batch": 4}
    decorated(**values, more=5)
    assert received == [(values, 5)]
    assert FitConfig(**values | {"steps": 1}) == FitConfig(steps=1, batch=4)


def test_every_setting_has_a_help_text_in_its_docstring() -> None:
    texts = attribute_texts(FitConfig)
    assert list(texts) == [f.name for f in dataclasses.fields(FitConfig)]
    assert all(text.endswith(".") for text in texts.values())
    nothing = [name for name in SIMPLE if getattr(FitConfig, name) is None]
    assert all("None: " in texts[name] for name in nothing)


def test_the_help_shows_text_default_and_range(run: Callable[..., Ran]) -> None:
    text = " ".join(run("fit", "--help").stdout.split())
    assert "--batch N Prompts per training step. [default: 10; at least 1]" in text
    assert "--cells X" in text and "[default: 0.25; above 0 and at most 1]" in text
    assert "--sampling instances|classes|sizes|rare" in text
    assert "[default: 15, or no limit with --epochs or --steps; above 0]" in text


@pytest.mark.parametrize("name", [name for name in RANGES if name != "mask_token"])
def test_a_value_outside_its_range_is_refused(name: str, run: Callable[..., Ran]) -> None:
    low = RANGES[name].low - (0 if RANGES[name].above else 1)
    for value in (low, float("inf"), float("nan")):
        with pytest.raises(FitError, match=f"{name} is"):
            FitConfig(**{"steps": 1, name: value})
    number = str(int(low)) if type(getattr(FitConfig, name)) is int or name == "steps" else str(low)
    result = run("fit", "sample", "--out", "out", f"--{name.replace('_', '-')}", number)
    assert result.returncode == 2 and name.replace("_", "-") in result.stderr.replace("_", "-")
