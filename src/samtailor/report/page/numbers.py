"""How the page writes numbers: 3 decimals, thousands separators, an en dash for unknown numbers."""

from __future__ import annotations

import math

from samtailor.metrics.bootstrap import Estimate

__all__ = ["DASH", "count", "difference", "duration", "ends", "finite", "interval", "score", "share", "signed"]

DASH = "–"


def finite(value: float | None) -> float | None:
    """Return the number, or None if it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def ends(estimate: Estimate) -> tuple[float, float] | None:
    """Return both ends of the interval, the lower first; None without an interval."""
    low, high = finite(estimate.low), finite(estimate.high)
    return None if low is None or high is None else (min(low, high), max(low, high))


def score(value: float | None, digits: int = 3) -> str:
    """``0.517``"""
    number = finite(value)
    return DASH if number is None else _true_minus(f"{number:.{digits}f}")


def signed(value: float | None) -> str:
    """``+0.327``, ``−0.012``, ``0.000``"""
    number = finite(value)
    return DASH if number is None else _true_minus(f"{number:+.3f}")


def interval(estimate: Estimate, digits: int = 3, *, sign: bool = False) -> str:
    """``0.501 to 0.532``; empty without an interval."""
    pair = ends(estimate)
    if pair is None:
        return ""
    low, high = (signed(v) if sign else score(v, digits) for v in pair)
    return f"{low} to {high}"


def count(value: float | None) -> str:
    """``1,989``"""
    number = finite(value)
    return DASH if number is None else f"{round(number):,}"


def share(value: float | None) -> str:
    """A share in 0..1 as per cent: ``71.4 %``"""
    number = finite(value)
    return DASH if number is None else f"{100 * number:.1f} %"


def duration(seconds: float | None) -> str:
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


def difference(new: float, old: float) -> float | None:
    """``new - old``, or None if one of them is unknown."""
    return finite(new - old)


def _true_minus(text: str) -> str:
    if float(text) == 0:
        return text.lstrip("+-")
    return text.replace("-", "−")
