"""The answer in ten seconds: does the adapter help, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from samtailor.report.page.charts import axis, bars
from samtailor.report.page.numbers import count, finite, higher, interval, score, share, signed, span
from samtailor.report.page.words import instances_in

__all__ = ["FEW", "Verdict", "gain_over", "row_of", "verdict_of"]

FEW = 50  # test instances; below it, the page warns


@dataclass(frozen=True)
class Verdict:
    """The head of the page.

    Attributes:
        word: "helps", "unclear", "hurts" or "open"; a CSS class.
        lead: the short answer.
        rest: the figures behind it.
        bars: (name, value, interval as text, drawing) of base and adapted model.
        axis: the figures below the bars.
        facts: (name, value) of a few more figures.
    """

    word: str
    lead: str
    rest: str
    bars: list[tuple[str, str, str, Markup]]
    axis: Markup
    facts: list[tuple[str, str]]


def row_of(evaluation: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    """The row of a method; empty where there is none."""
    rows: list[Mapping[str, Any]] = list(evaluation.get("rows") or [])
    return next((r for r in rows if r.get("method") == method), {})


def gain_over(evaluation: Mapping[str, Any], base: str) -> Mapping[str, Any]:
    """The paired gain of the adapted model over a base row; empty where there is none."""
    gains: list[Mapping[str, Any]] = list(evaluation.get("gains") or [])
    return next((g for g in gains if g.get("over") == base), {})


def verdict_of(evaluation: Mapping[str, Any]) -> Verdict:
    """From the paired gain in mean IoU over instances, and its interval."""
    base, adapted = row_of(evaluation, "base-single"), row_of(evaluation, "adapted")
    gain = gain_over(evaluation, "base-single")
    word, lead, rest = _sentence(evaluation, base, adapted, gain)
    drawn = []
    for name, row in (("base", base), ("adapted", adapted)):
        value, ends = finite(row.get("iou_instances")), span(row.get("iou_instances_interval"))
        if value is not None:
            drawn.append((name, score(value), interval(ends), bars([(name, value, ends)], thick=34)))
    return Verdict(word, lead, rest, drawn, axis(), _facts(base, adapted, gain))


def _sentence(
    evaluation: Mapping[str, Any], base: Mapping[str, Any], adapted: Mapping[str, Any], gain: Mapping[str, Any]
) -> tuple[str, str, str]:
    before, after = finite(base.get("iou_instances")), finite(adapted.get("iou_instances"))
    n = adapted.get("n") or base.get("n") or 0
    on = instances_in(evaluation, int(n), count(n))
    if before is None or after is None:
        if before is not None:
            return "open", "The base alone:", f"mean IoU {score(before)} on {on}; no adapter was scored."
        return "open", "Nothing to compare:", "no instance was scored with both base and adapter."
    difference = finite(gain.get("iou_instances"))
    difference = after - before if difference is None else difference
    ends = span(gain.get("iou_instances_interval"))
    figures = f"mean IoU {score(before)} → {score(after)} on {on}"
    if ends is None:
        lead = "Higher with the adapter:" if difference > 0 else "No higher with the adapter:"
        return "open", lead, f"{figures} ({signed(difference)}). Without an interval, chance is not ruled out."
    rest = f"{figures} ({signed(difference)}, 95 % interval {interval(ends, sign=True)})."
    if ends[0] > 0:
        return "helps", "The adapter helps:", rest
    if ends[1] < 0:
        return "hurts", "The adapter hurts:", rest
    return "unclear", "No clear difference:", rest


def _facts(base: Mapping[str, Any], adapted: Mapping[str, Any], gain: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    if finite(gain.get("better")) is not None:
        found.append(("gain more than 0.05 IoU", f"{share(gain['better'])} of instances"))
    if finite(gain.get("worse")) is not None:
        found.append(("lose more than 0.05 IoU", f"{share(gain['worse'])} of instances"))
    for key, name in (("miou", "mean over classes (mIoU)"), ("boundary_iou", "boundary IoU")):
        one_class = key == "miou" and adapted.get(key) == adapted.get("iou_instances")
        if higher(adapted.get(key), base.get(key)) is not None and not one_class:
            found.append((name, f"{score(base[key])} → {score(adapted[key])}"))
    return found
