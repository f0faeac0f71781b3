"""Compare the settings of a fit with those that its run has today.

A run's identity holds only the settings that differ from their defaults, so it does not change with a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.specs.run import Run
from experiments.specs.settings import BASE, canonical
from samtailor.adapters.methods import METHODS, method_class
from samtailor.fitting.plan import MOST_VALIDATIONS

__all__ = ["changed_settings"]

_MACHINE_SETTINGS = ("precision",)  # they depend on the machine


def changed_settings(fit: Mapping[str, Any] | None, run: Run) -> list[str]:
    """List the settings of a fit that would differ today, such as ``losses.dice: 1, now 20``.

    Args:
        fit: ``config`` (FitConfig as a dict) and optionally ``peak_rate`` and ``options`` (all options of the method),
            from a line or a run folder. Settings that did not exist at the time of the fit are ignored.
        run: the run as its config describes it today.
    """
    if not fit or run.method == BASE or run.method not in METHODS:
        return []
    then, now = _flat(fit["config"]), _flat(run.fit_config().to_dict())
    options = run.fit_config().method_options
    if now["lr"] is None and fit.get("peak_rate"):
        then |= {"peak rate": fit["peak_rate"]}
        now |= {"peak rate": method_class(run.method).leading(options).peak_rate}
    then |= _flat({"method_options": fit.get("options") or {}})
    now |= _flat({"method_options": {**method_class(run.method).options(options), **options}})
    if now["validations"] is None and then.get("validations") == MOST_VALIDATIONS:  # the default of earlier versions
        then["validations"] = None
    common = [k for k in then if k in now and k not in _MACHINE_SETTINGS]
    return [f"{k}: {then[k]}, now {now[k]}" for k in common if canonical(then[k]) != canonical(now[k])]


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
