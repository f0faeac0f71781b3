"""How figures are written: 3 decimals, thousands separators, an en dash for what is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["DASH", "count", "duration", "finite", "higher", "interval", "score", "share", "signed", "span", "values_of"]

DASH = "–"


def finite(value: Any) -> float | None:
    """The value as a float; None where it is no finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def span(pair: Any) -> tuple[float, float] | None:
    """An interval's ends, the lower first; None where one is missing."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return None
    low, high = finite(pair[0]), finite(pair[1])
    return None if low is None or high is None else (min(low, high), max(low, high))


def score(value: Any, digits: int = 3) -> str:
    """``0.517``"""
    number = finite(value)
    return DASH if number is None else _true_minus(f"{number:.{digits}f}")


def signed(value: Any) -> str:
    """``+0.327``, ``−0.012``, ``0.000``"""
    number = finite(value)
    return DASH if number is None else _true_minus(f"{number:+.3f}")


def interval(pair: Any, digits: int = 3, *, sign: bool = False) -> str:
    """``0.501 to 0.532``; an empty text where there is none, so that a cell can leave it out."""
    ends = span(pair)
    if ends is None:
        return ""
    low, high = (signed(v) if sign else score(v, digits) for v in ends)
    return f"{low} to {high}"


def count(value: Any) -> str:
    """``1,989``"""
    number = finite(value)
    return DASH if number is None else f"{round(number):,}"


def share(value: Any) -> str:
    """A share 0..1 in per cent: ``71.4 %``"""
    number = finite(value)
    return DASH if number is None else f"{100 * number:.1f} %"


def duration(seconds: Any) -> str:
    """``45 min 8 s``"""
    number = finite(seconds)
    if number is None:
        return DASH
    if number < 10:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def higher(new: Any, old: Any) -> float | None:
    """``new - old`` where both are known."""
    a, b = finite(new), finite(old)
    return None if a is None or b is None else a - b


def values_of(estimate: Any) -> tuple[float | None, tuple[float, float] | None]:
    """Value and interval of a ``{"value" or "mean": .., "interval": [.., ..]}``."""
    if not isinstance(estimate, Mapping):
        return finite(estimate), None
    return finite(estimate.get("value", estimate.get("mean"))), span(estimate.get("interval"))


def _true_minus(text: str) -> str:
    if float(text) == 0:
        return text.lstrip("+-")
    return text.replace("-", "−")
