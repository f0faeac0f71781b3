"""Charts as inline SVG: bars, intervals, lines.

Positions are per cent of the width, so that texts keep their size on a phone. Colours come from the style sheet, which
has a class for each series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

__all__ = ["BAR", "axis", "bars", "difference_axis", "difference_scale", "differences", "lines"]

BAR = 11  # pixels; thickness of a bar
_GAP = 3
_APART = 0.15  # of the width; figures closer together would overlap
_CAP = 4  # half the height of an interval's ends

Bar = tuple[str, float | None, tuple[float, float] | None]
"""Series key, value, interval."""


def bars(rows: Sequence[Bar], *, top: float = 1.0, thick: int = BAR) -> Markup:
    """Draw bars from 0 to ``top`` below each other, each with its interval as a whisker.

    The drawing is hidden from screen readers, because the table beside it has the figures.
    """
    height = len(rows) * (thick + _GAP) + _GAP
    parts = [_grid(height, [0, 0.25, 0.5, 0.75, 1])]
    for index, (key, value, ends) in enumerate(rows):
        y = _GAP + index * (thick + _GAP)
        if value is not None:
            parts.append(
                Markup('<rect class="bar {}" x="0" y="{}" width="{}%" height="{}"/>').format(
                    key, y, _place(value, 0, top), thick
                )
            )
        if ends is not None:
            parts.append(_whisker(ends, y + thick / 2, 0, top))
    return _drawing(height, parts)


def axis(top: float = 1.0) -> Markup:
    """Draw the scale above ``bars`` of the same ``top``."""
    return _axis([(0, "0"), (0.5, f"{top / 2:g}"), (1, f"{top:g}")])


def differences(value: float | None, ends: tuple[float, float] | None, scale: tuple[float, float]) -> Markup:
    """Draw one difference on a ``difference_scale``: a dot with its interval, and a line at 0."""
    height, (low, high) = 22, scale
    zero = -low / (high - low)
    parts = [_grid(height, sorted({0.0, zero, 1.0}), strong=zero)]
    if ends is not None:
        parts.append(_whisker(ends, height / 2, low, high))
    if value is not None:
        parts.append(
            Markup('<circle class="dot adapted" cx="{}%" cy="{}" r="4"/>').format(_place(value, low, high), height / 2)
        )
    return _drawing(height, parts)


def difference_axis(scale: tuple[float, float]) -> Markup:
    """Draw the scale above ``differences``."""
    low, high = scale
    zero = -low / (high - low)
    figures = {0.0: f"{low:+g}", 1.0: f"{high:+g}"}
    figures = {at: figure for at, figure in figures.items() if abs(at - zero) > _APART} | {zero: "0"}
    return _axis([(at, figure.replace("-", "−")) for at, figure in figures.items()])


def difference_scale(values: Sequence[float | None]) -> tuple[float, float]:
    """Choose round ends of a scale that holds all values and 0."""
    known = [v for v in values if v is not None]
    above, below = max([0.0, *known]), -min([0.0, *known])
    if above == below == 0:
        return -0.02, 0.02
    return -_round_up(below), _round_up(above)


def _round_up(size: float) -> float:
    return next((r for r in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5) if size <= r), 1.0)


def lines(
    series: Sequence[tuple[str, Sequence[float | None]]],
    xs: Sequence[float],
    *,
    label: str,
    x_title: str,
    y_title: str,
    top: float = 1.0,
    height: int = 240,
) -> Markup:
    """Draw lines over common ``xs``, from 0 to ``top``, with gaps for missing values.

    Args:
        series: (key, values as long as ``xs``).
        xs: in ascending order.
        label: text for screen readers.
        x_title: title below the plot.
        y_title: title above the upper left corner.
        top: end of the vertical scale.
        height: height of the plot without its scale, pixels.
    """
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    high = high if high > low else low + 1
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _percent(1 - tick)
        parts.append(Markup('<line class="grid" x1="0" x2="100%" y1="{0}%" y2="{0}%"/>').format(y))
        parts.append(
            Markup('<text class="tick" x="-8" y="{}%" dy="4" text-anchor="end">{:g}</text>').format(y, tick * top)
        )
    for x in _ticks(xs):
        at = _place(x, low, high)
        parts.append(
            Markup('<text class="tick" x="{}%" y="100%" dy="18" text-anchor="middle">{:g}</text>').format(at, x)
        )
    for key, values in series:
        places = [
            None if v is None else (_place(x, low, high), _percent(1 - min(max(v / top, 0), 1)))
            for x, v in zip(xs, values, strict=False)
        ]
        for a, b in pairwise(places):
            if a and b:
                parts.append(Markup('<line class="line {}" x1="{}%" y1="{}%" x2="{}%" y2="{}%"/>').format(key, *a, *b))
        parts += [Markup('<circle class="dot {}" cx="{}%" cy="{}%" r="3.5"/>').format(key, *p) for p in places if p]
    return Markup(
        '<div class="plot"><p class="plot-y">{}</p><svg role="img" aria-label="{}" width="100%" height="{}">{}</svg>'
        '<p class="plot-x">{}</p></div>'
    ).format(y_title, label, height, Markup("").join(parts), x_title)


def _ticks(xs: Sequence[float], most: int = 6) -> list[float]:
    """Choose a few of the xs, always with the first and the last."""
    if len(xs) <= most:
        return list(xs)
    step = math.ceil((len(xs) - 1) / (most - 1))
    chosen = [x for i, x in enumerate(xs) if i % step == 0]
    # Leave out the tick before the last one if the two would overlap.
    return [*chosen[:-1], xs[-1]] if (len(xs) - 1) % step and (len(xs) - 1) % step < step / 2 else [*chosen, xs[-1]]


def _whisker(ends: tuple[float, float], y: float, low: float, high: float) -> Markup:
    a, b = (_place(v, low, high) for v in ends)
    shape = Markup('<line x1="{a}%" x2="{b}%" y1="{y}" y2="{y}"/>').format(a=a, b=b, y=y)
    for x in (a, b):
        shape += Markup('<line x1="{x}%" x2="{x}%" y1="{u}" y2="{v}"/>').format(x=x, u=y - _CAP, v=y + _CAP)
    # The dark line has a pale halo: it must be visible on the bar and beside it.
    return Markup('<g class="halo">{0}</g><g class="whisker">{0}</g>').format(shape)


def _grid(height: float, places: Sequence[float], strong: float = 0.0) -> Markup:
    line = Markup('<line class="{}" x1="{}%" x2="{}%" y1="0" y2="{}"/>')
    return Markup("").join(
        line.format("zero" if place == strong else "grid", _percent(place), _percent(place), height) for place in places
    )


def _axis(figures: Sequence[tuple[float, str]]) -> Markup:
    anchors = {0.0: "start", 1.0: "end"}
    text = Markup('<text class="tick" x="{}%" y="12" text-anchor="{}">{}</text>')
    return _drawing(16, [text.format(_percent(at), anchors.get(at, "middle"), figure) for at, figure in figures])


def _drawing(height: float, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg aria-hidden="true" width="100%" height="{:g}">{}</svg>').format(height, Markup("").join(parts))


def _place(value: float, low: float, high: float) -> str:
    """Return the position of a value in per cent of the width, clipped to the plot."""
    return _percent(min(max((value - low) / (high - low), 0), 1))


def _percent(part: float) -> str:
    return f"{100 * part:.2f}".rstrip("0").rstrip(".")
