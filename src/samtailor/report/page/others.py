"""The section on other tasks: what the adapter does to tasks that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from samtailor.evaluation.results import EvaluationSummary, OtherTask
from samtailor.report.page.blocks import Block, Chart, Entry, Head, Section, Series, Table, Text
from samtailor.report.page.charts import lines
from samtailor.report.page.numbers import DASH, count, difference, finite, interval, score, share, signed
from samtailor.report.page.scores import scores_table

__all__ = ["others"]


def others(also: Sequence[OtherTask]) -> Section | None:
    """One line per other task, then for each task its scores and the effect of the adapter's strength."""
    scored = [other for other in also if other.evaluation.rows]
    if not scored:
        return None
    words = Text(
        "The same adapter on tasks that it was not fitted on. A loss here is forgetting: switch the adapter off for "
        "such images. With the adapter off, the masks must equal those of the base, bit for bit."
    )
    blocks: list[Block] = [words, _overview(scored)]
    for other in scored:
        blocks += [chart] if (chart := _strengths(other)) else []
        blocks.append(replace(scores_table(other.evaluation, ""), folded=f"{_name(other.evaluation)}: all scores"))
    return Section("other-tasks", "Other tasks", blocks)


def _overview(tasks: Sequence[OtherTask]) -> Table:
    heads = [Head("task", number=False), Head("base-single", "IoU"), Head("adapted", "IoU"), Head("difference")]
    heads += [
        Head("better", "by > 0.05"),
        Head("worse", "by > 0.05"),
        Head("off = base", "bit for bit", False),
        Head("n"),
    ]
    return Table(
        "Mean IoU over instances, with 95 % intervals; the difference is paired.",
        heads,
        [("", [_line(other) for other in tasks])],
    )


def _line(other: OtherTask) -> list[Entry]:
    evaluation = other.evaluation
    base, adapted, gain = evaluation.row("base-single"), evaluation.row("adapted"), evaluation.gain_over("base-single")
    before, after = base.iou_instances, adapted.iou_instances
    change = finite(gain.iou_instances.value)
    change = difference(after.value, before.value) if change is None else change
    tone = "worse" if change is not None and change < 0 else ""
    equal = {True: Entry("yes"), False: Entry("NO", tone="worse"), None: Entry(DASH)}[other.adapter_off_bit_equal]
    return [
        Entry(_name(evaluation)),
        Entry(score(before.value), interval(before)),
        Entry(score(after.value), interval(after), "strong"),
        Entry(signed(change), interval(gain.iou_instances, sign=True), tone),
        Entry(share(gain.better)),
        Entry(share(gain.worse)),
        equal,
        Entry(count(adapted.n or base.n)),
    ]


def _strengths(other: OtherTask) -> Chart | None:
    name = _name(other.evaluation)
    points = sorted(other.strengths, key=lambda point: point.strength)
    there, here = [finite(p.iou_instances) for p in points], [finite(p.iou_own_task) for p in points]
    if len(points) < 2 or not any(v is not None for v in there):
        return None
    series = [("other", there)]
    legend = [Series("other", name)]
    if any(v is not None for v in here):
        series.append(("adapted", here))
        legend.append(Series("adapted", "this task"))
    xs = [point.strength for point in points]
    words = "; ".join(f"at {x:g} {score(v)}" for x, v in zip(xs, there, strict=True))
    label = f"Mean IoU on {name} by the adapter's strength: {words}."
    drawing = lines(series, xs, label=label, x_title="strength of the adapter", y_title="mean IoU", height=180)
    return Chart(
        f"{name}: strength 0 is the base, 1 the full adapter; values between them are a compromise.", drawing, legend
    )


def _name(evaluation: EvaluationSummary) -> str:
    return f"{evaluation.task} {evaluation.split}".strip()
