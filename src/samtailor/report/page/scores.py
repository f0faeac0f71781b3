"""The sections on the test scores: headline, classes, boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samtailor.report.page.blocks import Block, Cell, Head, Notes, Section, Series, Table, Text
from samtailor.report.page.charts import axis, bars, difference_axis, difference_scale, differences
from samtailor.report.page.numbers import count, finite, higher, interval, score, share, signed, span
from samtailor.report.page.verdict import row_of
from samtailor.report.page.words import METHODS, METRICS

__all__ = ["boundaries", "classes", "headline", "scores_table"]

FEW_IN_CLASS = 5
_MANY = 30  # classes; of more, the chart shows only the two ends

_COLUMNS = {"iou_instances": "IoU", "miou": "mIoU", "dice": "Dice", "boundary_iou": "boundary IoU"}
_PAIR = (Series("base-single", "base-single"), Series("adapted", "adapted"))


def headline(data: Mapping[str, Any]) -> Section | None:
    """All methods in one table, then the paired gains."""
    evaluation = data["evaluation"]
    rows = evaluation.get("rows") or []
    if not rows:
        return None
    blocks: list[Block] = [scores_table(evaluation, "Each method on the same prompts, at the image's own resolution.")]
    found = _gains(evaluation)
    blocks += [found] if found else []
    notes = [(m, METHODS[m]) for m in (r.get("method") for r in rows) if m in METHODS]
    notes += [t for k in ("iou", "miou", "dice", "boundary_iou", "boundary_f1", "hd95") if (t := _term(k, rows))]
    if any(span(r.get(f"{k}_interval")) for r in rows for k in _COLUMNS):
        notes.append(
            (
                "95 % interval",
                "How far the figure may move with other images of the same kind; whole images are redrawn.",
            )
        )
    blocks.append(Notes(notes))
    return Section("scores", "Scores", blocks)


def scores_table(evaluation: Mapping[str, Any], caption: str) -> Table:
    """One row per method; a column that no row fills is left out."""
    rows = evaluation.get("rows") or []
    keys = [k for k in _COLUMNS if any(finite(r.get(k)) is not None for r in rows)]
    tolerances = _tolerances(rows)
    far = any(finite(r.get("hd95")) is not None for r in rows)
    heads = [Head("method", number=False), *(Head(_COLUMNS[k]) for k in keys)]
    heads += [Head("boundary F1", f"within {t} px") for t in tolerances]
    heads += [Head("HD95", "px, less is better")] if far else []
    heads.append(Head("n"))
    table = []
    for row in rows:
        strong = "strong" if row.get("method") == "adapted" else ""
        cells = [Cell(str(row.get("method")), tone=strong)]
        cells += [Cell(score(row.get(k)), interval(row.get(f"{k}_interval")), strong) for k in keys]
        cells += [Cell(score((row.get("boundary_f1") or {}).get(t)), tone=strong) for t in tolerances]
        cells += [Cell(score(row.get("hd95"), 2), tone=strong)] if far else []
        table.append([*cells, Cell(count(row.get("n")))])
    return Table(caption, heads, [("", table)])


def _gains(evaluation: Mapping[str, Any]) -> Table | None:
    gains = [g for g in evaluation.get("gains") or [] if finite(g.get("iou_instances")) is not None]
    if not gains:
        return None
    keys = [k for k in ("miou", "boundary_iou") if any(finite(g.get(k)) is not None for g in gains)]
    scale = difference_scale(
        [v for g in gains for v in (g["iou_instances"], *(span(g.get("iou_instances_interval")) or ()))]
    )
    heads = [Head("adapted minus", number=False), Head("difference in IoU", number=False), Head("IoU")]
    heads += [Head(_COLUMNS[k]) for k in keys]
    heads += [Head("better", "by over 0.05"), Head("worse", "by over 0.05")]
    rows = [[Cell(""), Cell(drawing=difference_axis(scale)), *[Cell("")] * (len(keys) + 3)]]
    for gain in gains:
        ends = span(gain.get("iou_instances_interval"))
        cells = [Cell(str(gain.get("over"))), Cell(drawing=differences(finite(gain["iou_instances"]), ends, scale))]
        cells += [
            Cell(signed(gain.get(k)), interval(gain.get(f"{k}_interval"), sign=True)) for k in ("iou_instances", *keys)
        ]
        rows.append([*cells, Cell(share(gain.get("better"))), Cell(share(gain.get("worse")))])
    caption = "Differences, paired: the same instance under the same prompt, adapted minus base."
    return Table(caption, heads, [("", rows)], bars=True)


def classes(data: Mapping[str, Any]) -> Section | None:
    """Bars per class, the largest gain first, and a folded table of all methods."""
    evaluation = data["evaluation"]
    base, adapted = (row_of(evaluation, m).get("per_class") or {} for m in ("base-single", "adapted"))
    labels = list(base or adapted)
    if len(labels) < 2:  # of one class, the headline says all
        return None
    gains = {k: higher((adapted.get(k) or {}).get("iou"), (base.get(k) or {}).get("iou")) for k in labels}
    labels.sort(key=lambda k: (gains[k] is None, -(gains[k] or 0)))
    shown = labels if len(labels) <= _MANY else [*labels[: _MANY // 2], *labels[-_MANY // 2 :]]
    series = [s for s, own in zip(_PAIR, (base, adapted), strict=True) if own]
    heads = [Head("class", number=False), Head("mean IoU", number=False), *(Head(s.name) for s in series)]
    heads += [Head("gain")] if len(series) == 2 else []
    rows = [[Cell(""), Cell(drawing=axis()), *[Cell("")] * (len(heads) - 2)]]
    few = False
    for label in shown:
        values = [finite((own.get(label) or {}).get("iou")) for own in (base, adapted) if own]
        n = finite((base.get(label) or adapted.get(label) or {}).get("n"))
        scarce = n is not None and n < FEW_IN_CLASS
        few |= scarce
        drawn = bars([(s.key, v, None) for s, v in zip(series, values, strict=True)])
        cells = [Cell(label, f"n\u00a0=\u00a0{count(n)}{', too few' if scarce else ''}"), Cell(drawing=drawn)]
        cells += [Cell(score(v)) for v in values]
        if len(series) == 2:
            gain = gains[label]
            cells.append(Cell(signed(gain), tone="worse" if gain is not None and gain < 0 else ""))
        rows.append(cells)
    caption = "Mean IoU by class, the largest gain first."
    if len(shown) < len(labels):
        caption = (
            f"Mean IoU by class: the {_MANY // 2} largest and {_MANY // 2} smallest gains of {len(labels)} classes."
        )
    blocks: list[Block] = [Table(caption, heads, [("", rows)], series, bars=True)]
    if few:
        blocks.append(Text(f"Classes with fewer than {FEW_IN_CLASS} instances are marked: their figures are chance."))
    blocks.append(_all_methods(evaluation, labels))
    return Section("classes", "Classes", blocks)


def _all_methods(evaluation: Mapping[str, Any], labels: Sequence[str]) -> Table:
    rows = [r for r in evaluation["rows"] if r.get("per_class")]
    keys = [("iou", "IoU"), ("boundary_iou", "boundary IoU")]
    columns = [
        (key, name, r)
        for key, name in keys
        for r in rows
        if any(finite(v.get(key)) is not None for v in r["per_class"].values())
    ]
    heads = [Head("class", number=False), Head("n"), *(Head(name, str(r["method"])) for _, name, r in columns)]
    table = []
    for label in labels:
        n = next((r["per_class"][label].get("n") for r in rows if label in r["per_class"]), None)
        figures = [Cell(score((r["per_class"].get(label) or {}).get(key))) for key, _, r in columns]
        table.append([Cell(label), Cell(count(n)), *figures])
    return Table(
        "",
        heads,
        [("", table)],
        folded=f"All methods, all {len(labels):,} classes",
    )


def boundaries(data: Mapping[str, Any]) -> Section | None:
    """Outlines: boundary IoU, boundary F1 and HD95 as bars and words."""
    evaluation = data["evaluation"]
    rows = [r for r in evaluation.get("rows") or [] if r.get("method") in METHODS]
    tolerances = _tolerances(rows)
    measures = [("boundary IoU", [r.get("boundary_iou") for r in rows], [r.get("boundary_iou_interval") for r in rows])]
    for t in tolerances:
        near = [(r.get("boundary_f1") or {}).get(t) for r in rows]
        measures.append((f"boundary F1 within {t} px", near, [None] * len(rows)))
    measures = [m for m in measures if any(finite(v) is not None for v in m[1])]
    if not measures:
        return None
    heads = [Head("measure", number=False), Head("score", number=False), *(Head(str(r["method"])) for r in rows)]
    table = [[Cell(""), Cell(drawing=axis()), *[Cell("")] * len(rows)]]
    for name, values, ends in measures:
        keys = [str(r["method"]) for r in rows]
        drawn = bars([(k, finite(v), span(e)) for k, v, e in zip(keys, values, ends, strict=True)])
        cells = [
            Cell(score(v), interval(e), "strong" if k == "adapted" else "")
            for k, v, e in zip(keys, values, ends, strict=True)
        ]
        table.append([Cell(name), Cell(drawing=drawn), *cells])
    if any(finite(r.get("hd95")) is not None for r in rows):
        table.append(
            [Cell("HD95, px"), Cell("less is better", tone="muted"), *(Cell(score(r.get("hd95"), 2)) for r in rows)]
        )
    series = [Series(str(r["method"]), str(r["method"])) for r in rows]
    width = finite((evaluation.get("boundary") or {}).get("iou_share"))
    band = "" if width is None else f" The bands are {100 * width:g} % of the image's diagonal wide."
    words = " ".join(METRICS[k] for k in ("boundary_iou", "boundary_f1", "hd95") if _term(k, rows))
    return Section(
        "boundaries",
        "Boundaries",
        [Text(words + band), Table("How well the outlines agree.", heads, [("", table)], series, bars=True)],
    )


def _tolerances(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The distances of boundary F1, as the keys that they are, in rising order."""
    keys = {k for r in rows for k, v in (r.get("boundary_f1") or {}).items() if finite(v) is not None}
    return sorted(keys, key=lambda k: (finite(k) or 0.0, str(k)))


def _term(key: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """The definition of a metric that some row has."""
    own = "iou_instances" if key == "iou" else key
    if not any(r.get(own) for r in rows):
        return None
    term, _, meaning = METRICS[key].partition(": ")
    return term, meaning[0].upper() + meaning[1:]
