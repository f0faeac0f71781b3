"""The head of the page: whether the adapter helps, and the figures behind the answer."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from samtailor.evaluation.results import EvaluationSummary, Gain, ScoreRow
from samtailor.report.page.charts import axis, bars
from samtailor.report.page.numbers import difference, ends, finite, interval, score, share, signed
from samtailor.report.page.words import instances_in

__all__ = ["FEW", "Verdict", "verdict_of"]

FEW = 50  # test instances; the page warns if there are fewer


@dataclass(frozen=True)
class Verdict:
    """The head of the page.

    Attributes:
        word: "helps", "unclear", "hurts" or "open"; a CSS class.
        lead: the short answer.
        rest: the figures behind it.
        bars: (name, value, interval as text, drawing) of base and adapted model.
        axis: the numbers below the bars.
        facts: (name, value) of a few more figures.
    """

    word: str
    lead: str
    rest: str
    bars: list[tuple[str, str, str, Markup]]
    axis: Markup
    facts: list[tuple[str, str]]


def verdict_of(evaluation: EvaluationSummary) -> Verdict:
    """Judge by the paired gain in mean IoU over instances and its interval."""
    base, adapted = evaluation.row("base-single"), evaluation.row("adapted")
    gain = evaluation.gain_over("base-single")
    word, lead, rest = _sentence(evaluation, base, adapted, gain)
    drawn = []
    for name, row in (("base", base), ("adapted", adapted)):
        estimate = row.iou_instances
        value = finite(estimate.value)
        if value is not None:
            drawing = bars([(name, value, ends(estimate))], thick=34)
            drawn.append((name, score(value), interval(estimate), drawing))
    return Verdict(word, lead, rest, drawn, axis(), _facts(base, adapted, gain))


def _sentence(evaluation: EvaluationSummary, base: ScoreRow, adapted: ScoreRow, gain: Gain) -> tuple[str, str, str]:
    before, after = finite(base.iou_instances.value), finite(adapted.iou_instances.value)
    on = instances_in(evaluation, adapted.n or base.n)
    if before is None or after is None:
        if before is not None:
            return "open", "The base alone:", f"mean IoU {score(before)} on {on}; no adapter was scored."
        return "open", "Nothing to compare:", "no instance was scored with both base and adapter."
    change = finite(gain.iou_instances.value)
    change = after - before if change is None else change
    pair = ends(gain.iou_instances)
    figures = f"mean IoU {score(before)} → {score(after)} on {on}"
    if pair is None:
        lead = "Higher with the adapter:" if change > 0 else "Not higher with the adapter:"
        return "open", lead, f"{figures} ({signed(change)}). Without an interval, the difference may be due to chance."
    rest = f"{figures} ({signed(change)}, 95 % interval {interval(gain.iou_instances, sign=True)})."
    if pair[0] > 0:
        return "helps", "The adapter helps:", rest
    if pair[1] < 0:
        return "hurts", "The adapter hurts:", rest
    return "unclear", "No clear difference:", rest


def _facts(base: ScoreRow, adapted: ScoreRow, gain: Gain) -> list[tuple[str, str]]:
    facts = []
    if finite(gain.better) is not None:
        facts.append(("gain more than 0.05 IoU", f"{share(gain.better)} of instances"))
    if finite(gain.worse) is not None:
        facts.append(("lose more than 0.05 IoU", f"{share(gain.worse)} of instances"))
    figures = [("boundary IoU", base.boundary_iou.value, adapted.boundary_iou.value)]
    if adapted.miou.value != adapted.iou_instances.value:  # they are equal with one class
        figures.insert(0, ("mean over classes (mIoU)", base.miou.value, adapted.miou.value))
    for name, before, after in figures:
        if difference(after, before) is not None:
            facts.append((name, f"{score(before)} → {score(after)}"))
    return facts
