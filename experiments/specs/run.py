"""One run (a fit, or the base alone) and its measures."""

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
from samtailor.prompts import check_evaluated_kind

__all__ = ["Measure", "Run"]


@dataclass(frozen=True)
class Measure:
    """One evaluation of a run.

    Attributes:
        settings: the settings that differ from ``MEASURE_DEFAULTS``.
    """

    settings: dict[str, Any]

    @classmethod
    def of(cls, entry: Mapping[str, Any], where: str) -> Measure:
        """Check and normalise an entry of ``measures``.

        Raises:
            ConfigError, PromptError: if a key, the split or the kind of prompt is unknown.
        """
        check_keys(entry, MEASURE_DEFAULTS, f"{where}, measures")
        whole = MEASURE_DEFAULTS | dict(entry)
        check_keys([whole["split"]], SPLITS, f"{where}, measures, split")
        check_evaluated_kind(whole["prompt"])
        if whole["task"] is None:
            for key in ("drop_duplicates", "boxes_as_masks", "format"):
                if key in entry:
                    raise ConfigError(
                        f"{where}: a measure sets {key} without a task.",
                        "Set it in the run, or give the measure a task.",
                    )
        else:
            _check_path(whole["task"], where)
        settings = normalised(whole | {"sensitivity": _instance_limit(whole["sensitivity"])}, MEASURE_DEFAULTS)
        if whole["task"] is None:
            settings.pop("task", None)
        return cls(settings)

    def __getitem__(self, key: str) -> Any:
        return self.settings.get(key, MEASURE_DEFAULTS[key])

    @cached_property
    def id(self) -> str:
        return digest(self.settings)

    @property
    def title(self) -> str:
        """The measure in words, such as ``test, click`` or ``on faces_fasseg, test, 3 clicks``."""
        words = [f"on {self['task']}"] if self["task"] else []
        words += [self["split"], str(self["prompt"])]
        if self["prompts_per_instance"] != 1:
            words.append(f"{self['prompts_per_instance']} prompts per instance")
        words += [f"{self['instances']} instances"] if self["instances"] else []
        words += [f"classes {', '.join(self['class_map'])}"] if self["class_map"] else []
        return ", ".join(words + ([f"prompt seed {self['seed']}"] if self["seed"] else []))


def _instance_limit(sensitivity: Any) -> int:
    """Number of instances of the sensitivity study; ``true`` means 200, as on the command line."""
    return 200 if sensitivity is True else int(sensitivity)


def _check_path(path: Any, where: str) -> None:
    if not isinstance(path, str) or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigError(
            f"{where}: the task {path!r} is not a path below the data folder.", "Give a relative path, such as faces."
        )


@dataclass(frozen=True)
class Run:
    """A fit, or the base alone, and its measures.

    Attributes:
        settings: flat settings of the task and the fit: task, method, seed and those that differ from their default;
            with the method ``base`` there are none of a fit.
        measures: the evaluations after the fit.
    """

    settings: dict[str, Any]
    measures: tuple[Measure, ...]

    @classmethod
    def of(cls, entry: Mapping[str, Any], measures: tuple[Measure, ...], where: str) -> Run:
        """Check and normalise an entry of ``runs``.

        Raises:
            ConfigError: if the task is missing or a value is out of range.
        """
        _check_path(entry.get("task"), where)
        method = entry.get("method", FIT_DEFAULTS["method"])
        defaults = TASK_DEFAULTS | ({} if method == BASE else FIT_DEFAULTS)
        whole = {"method": method} | {k: entry.get(k, v) for k, v in defaults.items() if k != "method"}
        if whole["class"] == "all":
            whole["class"] = None
        if whole["class"] and whole["class_map"]:
            raise ConfigError(f"{where}: a run has both class and class_map.", "Remove one of them.")
        if not 0 < whole.get("train_fraction", 1.0) <= 1:
            raise ConfigError(
                f"{where}: train_fraction is {whole['train_fraction']}.", "Give a share above 0, at most 1."
            )
        return cls(normalised(whole, defaults), measures)

    def __getitem__(self, key: str) -> Any:
        return self.settings.get(key, (TASK_DEFAULTS | FIT_DEFAULTS)[key])

    @property
    def method(self) -> str:
        return str(self.settings["method"])

    @cached_property
    def fit_id(self) -> str:
        """Identifies the adapter, in all configs."""
        return digest(self.settings)

    @cached_property
    def id(self) -> str:
        """Identifies the run: adapter and measures."""
        return digest([self.settings, sorted(m.id for m in self.measures)])

    @cached_property
    def label(self) -> str:
        """The run in words: ``faces/plm/seed0/steps=1000``."""
        s = self.settings
        words = [s["task"], *([f"class={s['class']}"] if "class" in s else []), self.method]
        words += [f"seed{s['seed']}"] if "seed" in s else []
        first = ("task", "class", "method", "seed")
        return "/".join(words + [f"{k}={_word(s[k])}" for k in sorted(s) if k not in first])

    @property
    def folder(self) -> str:
        """Name of the run's folder in ``--out``."""
        return f"{self.settings['task'].replace('/', '_')}-{self.method}-{self.fit_id}"

    def fit_config(self) -> FitConfig:
        """The FitConfig of the fit."""
        return fit_config(self.settings)

    def scaled(self, scale: float) -> Run:
        """Multiply the budget of minutes or steps by ``scale``; epochs do not change."""
        budget = {k: self.settings[k] * scale for k in ("minutes", "steps") if k in self.settings and scale != 1}
        budget |= {"steps": max(1, round(budget["steps"]))} if "steps" in budget else {}
        return Run(self.settings | budget, self.measures)


def _word(value: Any) -> str:
    return "yes" if value is True else "+".join(map(str, value)) if isinstance(value, list) else str(value)
