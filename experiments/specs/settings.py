"""What a run can be told: the known keys with their defaults, and a hash that names a set of settings for good."""

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

BASE = "base"  # the method of a run without a fit: only the base's rows

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
"""What a run with and one without a fit have in common."""

MEASURE_DEFAULTS: dict[str, Any] = {
    "split": "test",
    "task": None,
    "prompt": "click",
    "prompts_per_instance": 1,
    "seed": 0,
    "sensitivity": 0,
    "class_map": [],
    "drop_duplicates": False,
    "boxes_as_masks": False,
    "format": None,
}


class ConfigError(SamtailorError):
    """A config of experiments says something that cannot be."""


def _nested(hint: Any) -> type | None:
    """The dataclass that a field holds, if it holds one (``X`` or ``X | None``)."""
    return next((t for t in (hint, *get_args(hint)) if isinstance(t, type) and is_dataclass(t)), None)


def _flat_defaults(config: type, prefix: str = "") -> dict[str, Any]:
    hints = get_type_hints(config)
    found: dict[str, Any] = {}
    for field in fields(config):
        if field.name == "method_options":
            found |= _option_defaults(f"{field.name}.")
        elif inner := _nested(hints[field.name]):
            found |= _flat_defaults(inner, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = field.default
    return found


def _option_defaults(prefix: str) -> dict[str, Any]:
    """Of all methods; an option that two of them have has the same default in both."""
    return {f"{prefix}{k}": v for name in METHODS for k, v in method_class(name).options().items()}


FIT_DEFAULTS: dict[str, Any] = {"train_fraction": 1.0} | _flat_defaults(FitConfig)
"""Every setting of a fit with its default, a part's as ``losses.focal``, a method's own as ``method_options.rank``; new
fields of FitConfig and options of methods come by themselves."""


def fit_config(settings: Mapping[str, Any]) -> FitConfig:
    """FitConfig out of flat settings; those of tasks are passed over.

    Raises:
        FitError: as FitConfig.
    """
    hints = get_type_hints(FitConfig)
    plain: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        if key in FIT_DEFAULTS and key != "train_fraction":
            part, dot, name = key.partition(".")
            if dot:
                parts.setdefault(part, {})[name] = value
            else:
                plain[key] = value
    for part, given in parts.items():
        kind = _nested(hints[part])
        plain[part] = given if kind is None else kind(**given)  # a method's options are a plain dict
    return FitConfig(**plain)


def check_keys(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse a key that nobody would read.

    Raises:
        ConfigError: with the key and those that are known.
    """
    known = list(known)
    for key in given:
        if key not in known:
            raise ConfigError(f"{where}: there is no setting {key!r}.", f"Known: {', '.join(known)}.")


def canonical(value: Any) -> Any:
    """The same for values that mean the same: 12.0 is 12."""
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def normalised(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Without what equals its default, so that writing a default, or a new field of FitConfig, changes no identity.

    What names the run stays: task, method and seed.
    """
    kept = ("task", "method") + (("seed",) if "method" in defaults else ())
    found = {k: canonical(v) for k, v in settings.items()}
    return {k: v for k, v in found.items() if k in kept or v != canonical(defaults.get(k))}


def digest(value: Any) -> str:
    """Ten letters that name a value of JSON types, whatever the order of its keys."""
    text = json.dumps(canonical(value), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
