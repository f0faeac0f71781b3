"""The sections on the test scores: headline, classes, boundaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from samtailor.evaluation.results import ClassScore, EvaluationSummary, ScoreRow
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.report.page.blocks import Block, Entry, Head, Notes, Section, Series, Table, Text
from samtailor.report.page.charts import axis, bars, difference_axis, difference_scale, differences
from samtailor.report.page.numbers import count, difference, ends, finite, interval, score, share, signed
from samtailor.report.page.words import METRICS, ROW_MEANINGS

__all__ = ["boundaries", "classes", "headline", "scores_table"]

FEW_IN_CLASS = 5
_MANY = 30  # classes; of more, the chart shows only the two ends

_FIGURES: dict[str, tuple[str, Callable[[ScoreRow], Estimate]]] = {
    "iou": ("IoU", lambda row: row.iou_instances),
    "miou": ("mIoU", lambda row: row.miou),
    "dice": ("Dice", lambda row: _without_interval(row.dice)),
    "boundary_iou": ("boundary IoU", lambda row: row.boundary_iou),
}
"""Key of ``METRICS`` -> (heading, figure)."""

_PAIR = (Series("base-single", "base-single"), Series("adapted", "adapted"))


def _without_interval(value: float) -> Estimate:
    return Estimate(value, UNKNOWN.low, UNKNOWN.high)


def headline(evaluation: EvaluationSummary) -> Section | None:
    """All rows in one table, then the paired gains."""
    rows = evaluation.rows
    if not rows:
        return None
    blocks: list[Block] = [
        scores_table(evaluation, "Base and adapted model on the same prompts, scored at the resolution of the images.")
    ]
    blocks += [table] if (table := _gains(evaluation)) else []
    notes = [(row.name, ROW_MEANINGS[row.name]) for row in rows if row.name in ROW_MEANINGS]
    notes += [_definition(key) for key in METRICS if _measured(key, rows)]
    if any(ends(figure(row)) for row in rows for _, figure in _FIGURES.values()):
        notes.append(
            (
                "95 % interval",
                "The likely range of the figure on similar images, estimated by resampling whole images.",
            )
        )
    blocks.append(Notes(notes))
    return Section("scores", "Scores", blocks)


def scores_table(evaluation: EvaluationSummary, caption: str) -> Table:
    """One line per row; columns without a figure are left out."""
    rows = evaluation.rows
    figures = [_FIGURES[key] for key in _FIGURES if _measured(key, rows)]
    tolerances, hd95 = _tolerances(rows), _measured("hd95", rows)
    heads = [Head("model", number=False), *(Head(heading) for heading, _ in figures)]
    heads += [Head("boundary F1", f"within {t} px") for t in tolerances]
    heads += [Head("HD95", "px, lower is better")] if hd95 else []
    heads.append(Head("n"))
    lines = []
    for row in rows:
        tone = "strong" if row.name == "adapted" else ""
        line = [Entry(row.name, tone=tone)]
        line += [Entry(score(figure(row).value), interval(figure(row)), tone) for _, figure in figures]
        line += [Entry(score(row.boundary_f1.get(t)), tone=tone) for t in tolerances]
        line += [Entry(score(row.hd95, 2), tone=tone)] if hd95 else []
        lines.append([*line, Entry(count(row.n))])
    return Table(caption, heads, [("", lines)])


def _gains(evaluation: EvaluationSummary) -> Table | None:
    gains = [gain for gain in evaluation.gains if finite(gain.iou_instances.value) is not None]
    if not gains:
        return None
    miou = any(finite(gain.miou.value) is not None for gain in gains)
    boundary_iou = any(finite(gain.boundary_iou.value) is not None for gain in gains)
    scale = difference_scale([v for g in gains for v in (g.iou_instances.value, *(ends(g.iou_instances) or ()))])
    heads = [Head("adapted minus", number=False), Head("difference in IoU", number=False), Head("IoU")]
    heads += [Head("mIoU")] if miou else []
    heads += [Head("boundary IoU")] if boundary_iou else []
    heads += [Head("better", "by > 0.05"), Head("worse", "by > 0.05")]
    lines = [[Entry(""), Entry(drawing=difference_axis(scale)), *[Entry("")] * (len(heads) - 2)]]
    for gain in gains:
        drawing = differences(finite(gain.iou_instances.value), ends(gain.iou_instances), scale)
        changes = [gain.iou_instances, *([gain.miou] if miou else []), *([gain.boundary_iou] if boundary_iou else [])]
        line = [Entry(gain.over), Entry(drawing=drawing)]
        line += [Entry(signed(change.value), interval(change, sign=True)) for change in changes]
        lines.append([*line, Entry(share(gain.better)), Entry(share(gain.worse))])
    caption = "Paired differences: adapted minus base, on the same instances and prompts."
    return Table(caption, heads, [("", lines)], bars=True)


def classes(evaluation: EvaluationSummary) -> Section | None:
    """Bars per class, largest gain first, and a folded table of all rows."""
    base, adapted = evaluation.row("base-single").per_class, evaluation.row("adapted").per_class
    labels = list(base or adapted)
    if len(labels) < 2:  # with one class, the headline shows everything
        return None
    unknown = ClassScore()
    gains = {k: difference(adapted.get(k, unknown).iou, base.get(k, unknown).iou) for k in labels}
    labels.sort(key=lambda k: (gains[k] is None, -(gains[k] or 0)))
    shown = labels if len(labels) <= _MANY else [*labels[: _MANY // 2], *labels[-_MANY // 2 :]]
    sides = [(series, scores) for series, scores in zip(_PAIR, (base, adapted), strict=True) if scores]
    series = [one for one, _ in sides]
    heads = [Head("class", number=False), Head("mean IoU", number=False), *(Head(s.name) for s in series)]
    heads += [Head("gain")] if len(sides) == 2 else []
    lines = [[Entry(""), Entry(drawing=axis()), *[Entry("")] * (len(heads) - 2)]]
    any_scarce = False
    for label in shown:
        values = [finite(scores.get(label, unknown).iou) for _, scores in sides]
        n = (base.get(label) or adapted.get(label) or unknown).n
        scarce = n < FEW_IN_CLASS
        any_scarce |= scarce
        drawing = bars([(s.key, v, None) for s, v in zip(series, values, strict=True)])
        line = [Entry(label, f"n\u00a0=\u00a0{count(n)}{', too few' if scarce else ''}"), Entry(drawing=drawing)]
        line += [Entry(score(v)) for v in values]
        if len(sides) == 2:
            gain = gains[label]
            line.append(Entry(signed(gain), tone="worse" if gain is not None and gain < 0 else ""))
        lines.append(line)
    caption = "Mean IoU by class, largest gain first."
    if len(shown) < len(labels):
        caption = (
            f"Mean IoU by class: the {_MANY // 2} largest and {_MANY // 2} smallest gains of {len(labels)} classes."
        )
    blocks: list[Block] = [Table(caption, heads, [("", lines)], series, bars=True)]
    if any_scarce:
        blocks.append(
            Text(f"Classes with fewer than {FEW_IN_CLASS} instances are marked: their scores are not reliable.")
        )
    blocks.append(_all_rows(evaluation.rows, labels))
    return Section("classes", "Classes", blocks)


def _all_rows(rows: Sequence[ScoreRow], labels: Sequence[str]) -> Table:
    figures: list[tuple[str, Callable[[ClassScore], float]]] = [
        ("IoU", lambda own: own.iou),
        ("boundary IoU", lambda own: own.boundary_iou),
    ]
    columns = [
        (heading, figure, row)
        for heading, figure in figures
        for row in rows
        if any(finite(figure(own)) is not None for own in row.per_class.values())
    ]
    heads = [Head("class", number=False), Head("n"), *(Head(heading, row.name) for heading, _, row in columns)]
    lines = []
    for label in labels:
        n = next((row.per_class[label].n for row in rows if label in row.per_class), None)
        scores = [score(figure(row.per_class.get(label, ClassScore()))) for _, figure, row in columns]
        lines.append([Entry(label), Entry(count(n)), *map(Entry, scores)])
    return Table("", heads, [("", lines)], folded=f"All models, all {len(labels):,} classes")


def boundaries(evaluation: EvaluationSummary) -> Section | None:
    """Agreement of the outlines: boundary IoU, boundary F1 and HD95 as bars and words."""
    rows = [row for row in evaluation.rows if row.name in ROW_MEANINGS]
    measures = [("boundary IoU", [row.boundary_iou for row in rows])]
    for tolerance in _tolerances(rows):
        near = [_without_interval(row.boundary_f1.get(tolerance, UNKNOWN.value)) for row in rows]
        measures.append((f"boundary F1 within {tolerance} px", near))
    measures = [m for m in measures if any(finite(estimate.value) is not None for estimate in m[1])]
    if not measures:
        return None
    heads = [Head("measure", number=False), Head("score", number=False), *(Head(row.name) for row in rows)]
    lines = [[Entry(""), Entry(drawing=axis()), *[Entry("")] * len(rows)]]
    for name, estimates in measures:
        scored = list(zip(rows, estimates, strict=True))
        drawing = bars([(row.name, finite(e.value), ends(e)) for row, e in scored])
        figures = [Entry(score(e.value), interval(e), "strong" if r.name == "adapted" else "") for r, e in scored]
        lines.append([Entry(name), Entry(drawing=drawing), *figures])
    if _measured("hd95", rows):
        distances = [Entry(score(row.hd95, 2)) for row in rows]
        lines.append([Entry("HD95, px"), Entry("lower is better", tone="muted"), *distances])
    words = " ".join(METRICS[key] for key in ("boundary_iou", "boundary_f1", "hd95") if _measured(key, rows))
    width = finite(evaluation.boundary.iou_share) if evaluation.boundary else None
    words += "" if width is None else f" The bands are {100 * width:g} % of the image diagonal wide."
    series = [Series(row.name, row.name) for row in rows]
    table = Table("Agreement of the outlines.", heads, [("", lines)], series, bars=True)
    return Section("boundaries", "Boundaries", [Text(words), table])


def _tolerances(rows: Sequence[ScoreRow]) -> list[int]:
    """The tolerances of boundary F1 that some row has a figure for, pixels."""
    return sorted({t for row in rows for t, value in row.boundary_f1.items() if finite(value) is not None})


def _measured(key: str, rows: Sequence[ScoreRow]) -> bool:
    """Whether some row has a figure of this metric, a key of ``METRICS``."""
    if key == "boundary_f1":
        return bool(_tolerances(rows))
    if key == "hd95":
        return any(finite(row.hd95) is not None for row in rows)
    return any(finite(_FIGURES[key][1](row).value) is not None for row in rows)


def _definition(key: str) -> tuple[str, str]:
    """(name, meaning) of a metric."""
    name, _, meaning = METRICS[key].partition(": ")
    return name, meaning[0].upper() + meaning[1:]
