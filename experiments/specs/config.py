"""From a config file to its runs."""

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
LISTS = ("measures", "class_map")  # lists by nature: they make no grid
SCORES = ("miou", "iou_instances", "boundary_iou", "boundary_f1_1", "boundary_f1_3")


class _Loader(yaml.SafeLoader):
    """YAML 1.1 takes 3e-4 for a word; everybody else takes it for a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


@dataclass(frozen=True)
class Config:
    """A file's runs, and what its page shows.

    Attributes:
        name: of the file, its JSON lines and its page.
        about: a sentence for the page.
        compare_with: settings in which the row that differences are taken against differs from the row compared;
            ``method`` alone where the file gives a word, a method or a label; empty: none.
        show: scores of the overview and the figures.
        x: a setting to draw scores over, such as ``train_fraction``; empty: none.
        runs: in order; no two are the same.
    """

    name: str
    about: str
    compare_with: dict[str, Any]
    show: tuple[str, ...]
    x: str
    runs: tuple[Run, ...]


def read_config(path: Path, minutes_scale: float = 1.0) -> Config:
    """Read a config; ``minutes_scale`` shortens every fit, which makes other runs of them.

    Raises:
        ConfigError: it cannot be read, has an unknown key or value, or refers to a run that is not there.
        FitError, PromptError: a setting of a fit is out of its range.
        AdapterError: the method has no such option.
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
        elif run.method != BASE:  # a method that is not there yet shall not stop others
            fit_config({k: v for k, v in run.settings.items() if not k.startswith("method")})
        runs.setdefault(run.id, run)
    about, x = (str(top.get(key, "")) for key in ("about", "x"))
    over = _compared(top.get("compare_with"), path)
    return Config(path.stem, about, over, tuple(show), x, tuple(runs.values()))


def _compared(given: Any, path: Path) -> dict[str, Any]:
    if not given:
        return {}
    if not isinstance(given, dict):
        return {"method": str(given)}
    found = flattened(given)
    known = [k for k in FIT_DEFAULTS if k not in ("method", "seed")]  # a method or a label is given as a word
    check_keys(found, known, f"{path.name}, compare_with")
    return {k: canonical(v) for k, v in found.items()}


def _load(path: Path) -> dict[str, Any]:
    try:
        top = yaml.load(path.read_text(), Loader=_Loader)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The config {path} cannot be read: {error}.", "Give a YAML file.") from error
    if not isinstance(top, dict) or not isinstance(top.get("runs"), list):
        raise ConfigError(f"{path} has no list of runs.", "Write `runs:` and under it one `- task: ...` per entry.")
    check_keys(top, TOP_KEYS, path.name)
    if top.get("name", path.stem) != path.stem:
        raise ConfigError(f"{path} calls itself {top['name']!r}.", f"Let name and file name agree: {path.stem}.")
    return top


def _entries(top: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """The runs' settings, flat, lists multiplied out, defaults filled in."""
    defaults = flattened(top.get("defaults", {}))
    check_keys(defaults, RUN_KEYS, f"{path.name}, defaults")
    for entry in top["runs"]:
        if not isinstance(entry, dict):
            raise ConfigError(f"{path.name}: the run {entry!r} is no mapping.", "Write `- task: faces`.")
        given = flattened(entry)
        check_keys(given, RUN_KEYS, path.name)
        common = {"measures": defaults.get("measures")} if "adapter_of" in given else defaults
        yield from expanded({k: v for k, v in (common | given).items() if v is not None})


def flattened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``{"losses": {"focal": 1}}`` as ``{"losses.focal": 1}``."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):  # measures are a list, so they stay as they are
            found |= {f"{key}.{inner}": v for inner, v in flattened(value).items()}
        else:
            found[key] = value
    return found


def expanded(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The product of all keys that hold a list; keys that are lists by nature stay."""
    axes = {k: v if isinstance(v, list) and k not in LISTS else [v] for k, v in settings.items()}
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _resolved(entry: dict[str, Any], path: Path) -> Run:
    measures = _measures(entry.pop("measures", [{}]), path)
    if "adapter_of" not in entry:
        return Run.of(entry, measures, path.name)
    where = str(entry.pop("adapter_of"))
    if entry:
        raise ConfigError(
            f"{path.name}: a run with adapter_of also sets {', '.join(entry)}.", "It takes all settings of that run."
        )
    name, _, label = where.partition("/")
    other = path.with_name(f"{name}.yaml")
    found = {r.label: r for e in _entries(_load(other), other) if "adapter_of" not in e for r in [_resolved(e, other)]}
    if label not in found:
        raise ConfigError(
            f"{path.name}: adapter_of names {where!r}, which is no run of {other.name}.",
            f"Its runs: {', '.join(found)}.",
        )
    return Run(found[label].settings, measures)


def _measures(given: Any, path: Path) -> tuple[Measure, ...]:
    if not isinstance(given, list) or not all(isinstance(m, dict) for m in given):
        raise ConfigError(
            f"{path.name}: measures are {given!r}.", "Write a list such as [{split: test, prompt: click}]."
        )
    found = (Measure.of(one, path.name) for entry in given for one in expanded(entry))
    return tuple({m.id: m for m in found}.values())
