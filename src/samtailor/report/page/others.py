"""The section on other tasks: what the adapter does where it was not fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samtailor.report.page.blocks import Block, Cell, Chart, Head, Section, Series, Table, Text
from samtailor.report.page.charts import lines
from samtailor.report.page.numbers import count, finite, higher, interval, score, share, signed
from samtailor.report.page.scores import scores_table
from samtailor.report.page.verdict import gain_over, row_of

__all__ = ["others"]


def others(data: Mapping[str, Any]) -> Section | None:
    """One row per other task, then for each its scores and the effect of the adapter's strength."""
    tasks = [t for t in data.get("also") or [] if t.get("rows")]
    if not tasks:
        return None
    words = Text(
        "The same adapter on tasks that it never saw. A loss here is forgetting: switch the adapter off for such "
        "images. With the adapter off, the masks must be those of the base, bit for bit."
    )
    blocks: list[Block] = [words, _overview(tasks)]
    for task in tasks:
        name = _name(task)
        blocks += [c] if (c := _strengths(task, name)) else []
        blocks.append(_folded(scores_table(task, ""), f"{name}: all scores"))
    return Section("other-tasks", "Other tasks", blocks)


def _overview(tasks: Sequence[Mapping[str, Any]]) -> Table:
    heads = [Head("task", number=False), Head("base-single", "IoU"), Head("adapted", "IoU"), Head("difference")]
    heads += [
        Head("better", "by over 0.05"),
        Head("worse", "by over 0.05"),
        Head("off = base", "bit-equal", False),
        Head("n"),
    ]
    rows = []
    for task in tasks:
        base, adapted, gain = row_of(task, "base-single"), row_of(task, "adapted"), gain_over(task, "base-single")
        before, after = base.get("iou_instances"), adapted.get("iou_instances")
        change = finite(gain.get("iou_instances"))
        change = higher(after, before) if change is None else change
        equal = task.get("adapter_off_bit_equal")
        rows.append(
            [
                Cell(_name(task)),
                Cell(score(before), interval(base.get("iou_instances_interval"))),
                Cell(score(after), interval(adapted.get("iou_instances_interval")), "strong"),
                Cell(
                    signed(change),
                    interval(gain.get("iou_instances_interval"), sign=True),
                    "worse" if change is not None and change < 0 else "",
                ),
                Cell(share(gain.get("better"))),
                Cell(share(gain.get("worse"))),
                Cell("–" if equal is None else "yes" if equal else "NO", tone="worse" if equal is False else ""),
                Cell(count(adapted.get("n") or base.get("n"))),
            ]
        )
    return Table("Mean IoU over instances, with 95 % intervals; the difference is paired.", heads, [("", rows)])


def _strengths(task: Mapping[str, Any], name: str) -> Chart | None:
    steps = [s for s in task.get("strengths") or [] if finite(s.get("strength")) is not None]
    steps.sort(key=lambda s: float(s["strength"]))
    there, here = ([finite(s.get(k)) for s in steps] for k in ("iou_instances", "here"))
    if len(steps) < 2 or not any(v is not None for v in there):
        return None
    series = [("other", there)]
    legend = [Series("other", name)]
    if any(v is not None for v in here):
        series.append(("adapted", here))
        legend.append(Series("adapted", "this task"))
    xs = [float(s["strength"]) for s in steps]
    said = "; ".join(f"at {x:g} {score(v)}" for x, v in zip(xs, there, strict=True))
    label = f"Mean IoU on {name} by the adapter's strength: {said}."
    drawing = lines(series, xs, label=label, x_title="strength of the adapter", y_title="mean IoU", height=180)
    return Chart(
        f"{name}: strength 0 is the base, 1 the whole adapter; between them lies a compromise.", drawing, legend
    )


def _folded(table: Table, summary: str) -> Table:
    return Table(table.caption, table.heads, table.groups, folded=summary)


def _name(task: Mapping[str, Any]) -> str:
    return " ".join(str(task[k]) for k in ("task", "split") if task.get(k)) or "another task"
