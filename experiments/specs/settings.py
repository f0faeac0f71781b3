"""The settings of runs and measures: known keys, defaults, and a hash that identifies a set of settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from samtailor.adapters.methods import METHODS, method_class
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.errors import SamtailorError
from samtailor.fitting.config import FitConfig

__all__ = [
    "BASE",
    "FIT_DEFAULTS",
    "MEASURE_DEFAULTS",
    "TASK_DEFAULTS",
    "ConfigError",
    "canonical",
    "check_keys",
    "digest",
    "fit_config",
    "normalised",
]

BASE = "base"  # the method of a run without a fit, which scores the base alone

TASK_DEFAULTS: dict[str, Any] = {
    "task": None,
    "format": None,
    "split_by": None,
    "split_seed": 0,
    "boxes_as_masks": False,
    "drop_duplicates": False,
    "class": None,
    "class_map": [],
    "base": DEFAULT_BASE,
}
"""Settings of every run, with or without a fit."""

MEASURE_DEFAULTS: dict[str, Any] = {
    "split": "test",
    "task": None,
    "prompt": "click",
    "prompts_per_instance": 1,
    "seed": 0,
    "sensitivity": 0,
    "clicks": 0,
    "instances": None,
    "class_map": [],
    "drop_duplicates": False,
    "boxes_as_masks": False,
    "format": None,
}
"""Settings of a measure: one evaluation of a run."""


class ConfigError(SamtailorError):
    """A config of experiments is wrong, or the data or results do not fit it."""


def _nested(hint: Any) -> type | None:
    """The dataclass in a field's type (``X`` or ``X | None``); None if there is none."""
    return next((t for t in (hint, *get_args(hint)) if isinstance(t, type) and is_dataclass(t)), None)


def _flat_defaults(config: type, prefix: str = "") -> dict[str, Any]:
    hints = get_type_hints(config)
    defaults: dict[str, Any] = {}
    for field in fields(config):
        if field.name == "method_options":
            defaults |= _option_defaults(f"{field.name}.")
        elif inner := _nested(hints[field.name]):
            defaults |= _flat_defaults(inner, f"{prefix}{field.name}.")
        else:
            defaults[prefix + field.name] = field.default
    return defaults


def _option_defaults(prefix: str) -> dict[str, Any]:
    """Defaults of the options of all methods; methods that share an option share its default."""
    return {f"{prefix}{k}": v for name in METHODS for k, v in method_class(name).options().items()}


FIT_DEFAULTS: dict[str, Any] = {"train_fraction": 1.0} | _flat_defaults(FitConfig)
"""Every setting of a fit with its default, read from FitConfig and the methods.

A nested setting has a dotted name, such as ``losses.focal``; a method's option, ``method_options.rank``.
"""


def fit_config(settings: Mapping[str, Any]) -> FitConfig:
    """Build a FitConfig from flat settings; settings of tasks are ignored.

    Raises:
        FitError: from FitConfig, if a value is out of its range.
    """
    hints = get_type_hints(FitConfig)
    arguments: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        if key in FIT_DEFAULTS and key != "train_fraction":
            part, dot, name = key.partition(".")
            if dot:
                parts.setdefault(part, {})[name] = value
            else:
                arguments[key] = value
    for part, values in parts.items():
        kind = _nested(hints[part])
        arguments[part] = values if kind is None else kind(**values)  # a method's options are a plain dict
    return FitConfig(**arguments)


def check_keys(keys: Iterable[str], known: Iterable[str], where: str) -> None:
    """Check that all keys are known.

    Args:
        keys: the keys of a config.
        known: the keys that are read.
        where: the place in the config, for the error message.

    Raises:
        ConfigError: for the first unknown key; the message lists the known keys.
    """
    known = list(known)
    for key in keys:
        if key not in known:
            raise ConfigError(f"{where}: {key!r} is not known.", f"Use one of: {', '.join(known)}.")


def canonical(value: Any) -> Any:
    """Return one form for equal values: 12.0 becomes 12, a tuple becomes a list."""
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def normalised(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the settings that equal their default, except task, method and seed.

    So an identity does not change if a config writes out a default, or if FitConfig gets a new field.
    """
    kept = ("task", "method") + (("seed",) if "method" in defaults else ())
    values = {k: canonical(v) for k, v in settings.items()}
    return {k: v for k, v in values.items() if k in kept or v != canonical(defaults.get(k))}


def digest(value: Any) -> str:
    """Return a hash of ten hexadecimal digits of a value of JSON types; the order of keys does not matter."""
    text = json.dumps(canonical(value), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
