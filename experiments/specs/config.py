"""Read a config file into runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from experiments.specs.run import Measure, Run
from experiments.specs.settings import (
    BASE,
    FIT_DEFAULTS,
    TASK_DEFAULTS,
    ConfigError,
    canonical,
    check_keys,
    fit_config,
)
from samtailor.adapters.methods import METHODS

__all__ = ["Config", "read_config"]

TOP_KEYS = ("name", "about", "compare_with", "show", "x", "defaults", "runs")
RUN_KEYS = (*TASK_DEFAULTS, *FIT_DEFAULTS, "measures", "adapter_of")
LIST_KEYS = ("measures", "class_map")  # their values are lists, so a list does not mean several runs
SCORES = ("miou", "iou_instances", "boundary_iou", "boundary_f1_1", "boundary_f1_3")


class _Loader(yaml.SafeLoader):
    """A YAML loader that reads 3e-4 as a number; YAML 1.1 reads it as text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


@dataclass(frozen=True)
class Config:
    """The runs of a config file and the contents of its page.

    Attributes:
        name: name of the file, of its JSON lines and of its page.
        about: an introduction for the page.
        compare_with: settings that a reference row has in place of those of the row compared with it. If the file
            gives a word (a method or a row label), it is here under ``method``. Empty: no differences.
        show: scores of the overview and the charts.
        x: a setting for the horizontal axis of the charts, such as ``train_fraction``; empty: no curves.
        runs: all runs in order, without repeats.
    """

    name: str
    about: str
    compare_with: dict[str, Any]
    show: tuple[str, ...]
    x: str
    runs: tuple[Run, ...]


def read_config(path: Path, minutes_scale: float = 1.0) -> Config:
    """Read and check a config.

    Args:
        path: a YAML file.
        minutes_scale: multiplies the budget of every fit. Another budget makes another run.

    Raises:
        ConfigError: if the file cannot be read, a key or value is unknown, or ``adapter_of`` names no run.
        FitError, PromptError: if a setting is out of its range.
        AdapterError: if the method does not have an option.
    """
    top = _load(path)
    show = top.get("show", ["miou"])
    for score in show:
        check_keys([score], SCORES, f"{path.name}, show")
    if top.get("x"):
        check_keys([top["x"]], FIT_DEFAULTS, f"{path.name}, x")
    runs: dict[str, Run] = {}
    for entry in _entries(top, path):
        run = _resolved(entry, path).scaled(minutes_scale)
        if run.method in METHODS:
            fit_config(run.settings)
        elif run.method != BASE:  # an unknown method fails when it runs and does not stop the other runs
            fit_config({k: v for k, v in run.settings.items() if not k.startswith("method")})
        runs.setdefault(run.id, run)
    about, x = (str(top.get(key, "")) for key in ("about", "x"))
    reference = _reference_settings(top.get("compare_with"), path)
    return Config(path.stem, about, reference, tuple(show), x, tuple(runs.values()))


def _reference_settings(value: Any, path: Path) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, dict):
        return {"method": str(value)}
    settings = flattened(value)
    known = [k for k in FIT_DEFAULTS if k not in ("method", "seed")]  # a method or a label is written as a word
    check_keys(settings, known, f"{path.name}, compare_with")
    return {k: canonical(v) for k, v in settings.items()}


def _load(path: Path) -> dict[str, Any]:
    try:
        top = yaml.load(path.read_text(), Loader=_Loader)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The config {path} cannot be read: {error}.", "Give a valid YAML file.") from error
    if not isinstance(top, dict) or not isinstance(top.get("runs"), list):
        raise ConfigError(f"{path} has no list of runs.", "Add `runs:` with entries such as `- task: faces`.")
    check_keys(top, TOP_KEYS, path.name)
    if top.get("name", path.stem) != path.stem:
        raise ConfigError(
            f"{path} has the name {top['name']!r}, which is not its file name.",
            f"Write `name: {path.stem}` or no name.",
        )
    return top


def _entries(top: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """Yield the flat settings of each run, with defaults filled in and one entry for each value of a list."""
    defaults = flattened(top.get("defaults", {}))
    check_keys(defaults, RUN_KEYS, f"{path.name}, defaults")
    for entry in top["runs"]:
        if not isinstance(entry, dict):
            raise ConfigError(f"{path.name}: the run {entry!r} is not a mapping.", "Write it as `- task: faces`.")
        settings = flattened(entry)
        check_keys(settings, RUN_KEYS, path.name)
        common = {"measures": defaults.get("measures")} if "adapter_of" in settings else defaults
        yield from expanded({k: v for k, v in (common | settings).items() if v is not None})


def flattened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with dotted names: ``{"losses": {"focal": 1}}`` becomes ``{"losses.focal": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):  # not the measures: they are a list
            flat |= {f"{key}.{inner}": v for inner, v in flattened(value).items()}
        else:
            flat[key] = value
    return flat


def expanded(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the settings of every combination of the listed values; values of ``LIST_KEYS`` do not change."""
    axes = {k: v if isinstance(v, list) and k not in LIST_KEYS else [v] for k, v in settings.items()}
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _resolved(entry: dict[str, Any], path: Path) -> Run:
    measures = _measures(entry.pop("measures", [{}]), path)
    if "adapter_of" not in entry:
        return Run.of(entry, measures, path.name)
    reference = str(entry.pop("adapter_of"))
    if entry:
        raise ConfigError(
            f"{path.name}: a run with adapter_of also sets {', '.join(entry)}.",
            "Remove them: adapter_of takes all settings of that run.",
        )
    name, _, label = reference.partition("/")
    source = path.with_name(f"{name}.yaml")
    entries = [e for e in _entries(_load(source), source) if "adapter_of" not in e]
    runs = {run.label: run for run in (_resolved(e, source) for e in entries)}
    if label not in runs:
        raise ConfigError(
            f"{path.name}: adapter_of names {reference!r}, which is not a run of {source.name}.",
            f"Use one of its runs: {', '.join(runs)}.",
        )
    return Run(runs[label].settings, measures)


def _measures(entries: Any, path: Path) -> tuple[Measure, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            f"{path.name}: measures are {entries!r}.", "Write a list such as [{split: test, prompt: click}]."
        )
    measures = (Measure.of(settings, path.name) for entry in entries for settings in expanded(entry))
    return tuple({m.id: m for m in measures}.values())
