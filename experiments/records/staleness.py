"""Whether a finished fit is what a config means today: a run's name tells only what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.specs.run import Run
from experiments.specs.settings import BASE, canonical
from samtailor.adapters.methods import METHODS, method_class

__all__ = ["changes"]

_CHOSEN_BY_MACHINE = ("precision",)


def changes(fit: Mapping[str, Any] | None, run: Run) -> list[str]:
    """What differs between a fit and the same run fitted now, such as ``losses.dice: 1, now 20``.

    Args:
        fit: ``config`` (FitConfig as a dict), and perhaps ``peak_rate`` and ``options`` (of the method, those that were
            not given too), as a line or a fit's folder has them; settings that did not exist then are passed over.
        run: as a config gives it today.
    """
    if not fit or run.method == BASE or run.method not in METHODS:
        return []
    then, now = _flat(fit["config"]), _flat(run.fit_config().to_dict())
    if now["lr"] is None and fit.get("peak_rate"):
        then |= {"peak rate": fit["peak_rate"]}
        now |= {"peak rate": method_class(run.method).peak_rate}
    then |= _flat({"method_options": fit.get("options") or {}})
    now |= _flat({"method_options": {**method_class(run.method).options(), **run.fit_config().method_options}})
    both = [k for k in then if k in now and k not in _CHOSEN_BY_MACHINE]
    return [f"{k}: {then[k]}, now {now[k]}" for k in both if canonical(then[k]) != canonical(now[k])]


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found
