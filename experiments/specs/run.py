"""One run (a fit, or the base alone) and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from experiments.specs.settings import (
    BASE,
    FIT_DEFAULTS,
    MEASURE_DEFAULTS,
    TASK_DEFAULTS,
    ConfigError,
    check_keys,
    digest,
    fit_config,
    normalised,
)
from samtailor.data.task import SPLITS
from samtailor.fitting.config import FitConfig
from samtailor.prompts import check_asked

__all__ = ["Measure", "Run"]


@dataclass(frozen=True)
class Measure:
    """An evaluation after a fit; ``settings`` are those of MEASURE_DEFAULTS that differ from them."""

    settings: dict[str, Any]

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str) -> Measure:
        """Check and normalise.

        Raises:
            ConfigError, PromptError: an unknown key, split or kind of prompt.
        """
        check_keys(given, MEASURE_DEFAULTS, f"{where}, measures")
        whole = MEASURE_DEFAULTS | dict(given)
        check_keys([whole["split"]], SPLITS, f"{where}, measures, split")
        check_asked(whole["prompt"])
        if whole["task"] is None:
            for key in ("drop_duplicates", "boxes_as_masks", "format"):
                if key in given:
                    raise ConfigError(f"{where}: a measure sets {key} without a task.", "Set it in the run.")
        else:
            _check_path(whole["task"], where)
        found = normalised(whole | {"sensitivity": _limit(whole["sensitivity"])}, MEASURE_DEFAULTS)
        if whole["task"] is None:
            found.pop("task", None)
        return cls(found)

    def __getitem__(self, key: str) -> Any:
        return self.settings.get(key, MEASURE_DEFAULTS[key])

    @cached_property
    def id(self) -> str:
        return digest(self.settings)

    @property
    def title(self) -> str:
        """Such as ``test, click`` or ``on faces_fasseg, test, 3 clicks``."""
        words = [f"on {self['task']}"] if self["task"] else []
        words += [self["split"], str(self["prompt"])]
        if self["prompts_per_instance"] != 1:
            words.append(f"{self['prompts_per_instance']} prompts per instance")
        words += [f"classes {', '.join(self['class_map'])}"] if self["class_map"] else []
        return ", ".join(words + ([f"prompt seed {self['seed']}"] if self["seed"] else []))


def _limit(sensitivity: Any) -> int:
    """``true`` is 200 instances, as on the command line."""
    return 200 if sensitivity is True else int(sensitivity)


def _check_path(path: Any, where: str) -> None:
    if not isinstance(path, str) or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigError(f"{where}: the task {path!r} is no path below the data folder.", "Write such as faces.")


@dataclass(frozen=True)
class Run:
    """Settings (flat, those that differ from their defaults, with task, method and seed) and measures.

    Attributes:
        settings: of the task and of the fit; with method ``base`` nothing is fitted and nothing of a fit stands here.
        measures: what follows the fit.
    """

    settings: dict[str, Any]
    measures: tuple[Measure, ...]

    @classmethod
    def of(cls, given: Mapping[str, Any], measures: tuple[Measure, ...], where: str) -> Run:
        """Check and normalise.

        Raises:
            ConfigError: no task, or a value out of range.
        """
        _check_path(given.get("task"), where)
        method = given.get("method", FIT_DEFAULTS["method"])
        defaults = TASK_DEFAULTS | ({} if method == BASE else FIT_DEFAULTS)
        whole = {"method": method} | {k: given.get(k, v) for k, v in defaults.items() if k != "method"}
        if whole["class"] == "all":
            whole["class"] = None
        if whole["class"] and whole["class_map"]:
            raise ConfigError(f"{where}: a run has class and class_map.", "One of them says which classes count.")
        if not 0 < whole.get("train_fraction", 1.0) <= 1:
            raise ConfigError(f"{where}: train_fraction is {whole['train_fraction']}.", "It is a share: (0, 1].")
        return cls(normalised(whole, defaults), measures)

    def __getitem__(self, key: str) -> Any:
        return self.settings.get(key, (TASK_DEFAULTS | FIT_DEFAULTS)[key])

    @property
    def method(self) -> str:
        return str(self.settings["method"])

    @cached_property
    def fit_id(self) -> str:
        """Names the adapter: the same in all configs."""
        return digest(self.settings)

    @cached_property
    def id(self) -> str:
        """Names the run: adapter and measures."""
        return digest([self.settings, sorted(m.id for m in self.measures)])

    @cached_property
    def label(self) -> str:
        """For people: ``faces/plm/seed0/steps=1000``."""
        s = self.settings
        words = [s["task"], *([f"class={s['class']}"] if "class" in s else []), self.method]
        words += [f"seed{s['seed']}"] if "seed" in s else []
        named = ("task", "class", "method", "seed")
        return "/".join(words + [f"{k}={_word(s[k])}" for k in sorted(s) if k not in named])

    @property
    def folder(self) -> str:
        """Name of its folder in --out."""
        return f"{self.settings['task'].replace('/', '_')}-{self.method}-{self.fit_id}"

    def fit_config(self) -> FitConfig:
        return fit_config(self.settings)

    def scaled(self, scale: float) -> Run:
        """With its budget of minutes or steps multiplied; epochs stay."""
        budget = {k: self.settings[k] * scale for k in ("minutes", "steps") if k in self.settings and scale != 1}
        budget |= {"steps": max(1, round(budget["steps"]))} if "steps" in budget else {}
        return Run(self.settings | budget, self.measures)


def _word(value: Any) -> str:
    return "yes" if value is True else "+".join(map(str, value)) if isinstance(value, list) else str(value)
