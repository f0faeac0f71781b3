"""The sections on prompts: how much the mask depends on them, and how many clicks a good mask takes."""

from __future__ import annotations

from collections.abc import Mapping

from samtailor.evaluation.corrective import WITH_MASKS
from samtailor.evaluation.study_results import ClickCount, ClicksToQuality, RowSensitivity, Sensitivity
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.report.page.blocks import Block, Chart, Entry, Head, Notes, Section, Series, Table, Text
from samtailor.report.page.charts import axis, bars, lines
from samtailor.report.page.numbers import count, ends, finite, interval, score, share, signed
from samtailor.report.page.words import SENSITIVITY

__all__ = ["clicks", "prompts"]


def prompts(sensitivity: Sensitivity) -> Section | None:
    """Scores by kind of prompt, and how stable they are."""
    blocks = [b for b in (_by_prompt(sensitivity.rows), _groups(sensitivity)) if b]
    if not blocks:
        return None
    text = "A stable model returns the same mask wherever on the object the click is, and however tight the box is."
    meanings = [SENSITIVITY[figure] for figure in _measured(sensitivity)]
    notes = [(head, f"{meaning[0].upper()}{meaning[1:]}.") for head, meaning, _ in meanings]
    return Section(
        "prompts",
        "Prompt sensitivity",
        [Text(text + _sample(sensitivity)), *blocks, *([Notes(notes)] if notes else [])],
    )


def _sample(sensitivity: Sensitivity) -> str:
    """`` Measured on 200 instances in 120 images, seed 0.``, as far as it is known."""
    if sensitivity.instances is None:
        return ""
    text = f" Measured on {count(sensitivity.instances)} instances"
    text += "" if sensitivity.images is None else f" in {count(sensitivity.images)} images"
    return text + ("." if sensitivity.seed is None else f", seed {sensitivity.seed}.")


def _by_prompt(rows: Mapping[str, RowSensitivity]) -> Table | None:
    shown = {name: row.by_prompt for name, row in rows.items() if row.by_prompt}
    kinds = list(dict.fromkeys(kind for by_prompt in shown.values() for kind in by_prompt))
    if not kinds:
        return None
    series = [Series(name, name) for name in shown]
    heads = [Head("prompt", number=False), Head("mean IoU", number=False), *(Head(name) for name in shown)]
    table = [[Entry(""), Entry(drawing=axis()), *[Entry("")] * len(series)]]
    for kind in kinds:
        estimates = [(name, by_prompt.get(kind, UNKNOWN)) for name, by_prompt in shown.items()]
        drawing = bars([(name, finite(e.value), ends(e)) for name, e in estimates])
        table.append([Entry(kind), Entry(drawing=drawing), *(_entry(name, e) for name, e in estimates)])
    return Table("Mean IoU by kind of prompt, with 95 % intervals.", heads, [("", table)], series, bars=True)


def _groups(sensitivity: Sensitivity) -> Table | None:
    every = [row.groups for row in sensitivity.rows.values()] + list(sensitivity.paired.values())
    names = list(dict.fromkeys(name for groups in every for name in groups))
    figures = _measured(sensitivity)
    if not names or not figures:
        return None
    tables = []
    for name in names:
        table = []
        for row, own in sensitivity.rows.items():
            if name in own.groups:
                estimates = [getattr(own.groups[name], figure) for figure in figures]
                tone = "strong" if row == "adapted" else ""
                table.append([Entry(row, tone=tone), *(_entry(row, e) for e in estimates)])
        for row, groups in sensitivity.paired.items():
            if name in groups:
                changes = [_difference(figure, getattr(groups[name], figure)) for figure in figures]
                table.append([Entry(f"adapted − {row}", "paired", "muted"), *changes])
        tables.append((f"Prompts: {name}", table))
    heads = [Head("model", number=False)]
    heads += [Head(SENSITIVITY[k][0], "" if SENSITIVITY[k][2] else "lower is better") for k in figures]
    return Table("Stability of the masks within each group of prompts, with 95 % intervals.", heads, tables)


def _measured(sensitivity: Sensitivity) -> list[str]:
    """The figures of ``GroupStability`` that are known for some group."""
    every = [stability for row in sensitivity.rows.values() for stability in row.groups.values()]
    every += [stability for groups in sensitivity.paired.values() for stability in groups.values()]
    return [name for name in SENSITIVITY if any(finite(getattr(s, name).value) is not None for s in every)]


def _entry(row: str, estimate: Estimate) -> Entry:
    return Entry(score(estimate.value), interval(estimate), "strong" if row == "adapted" else "")


def _difference(figure: str, estimate: Estimate) -> Entry:
    """A paired difference, with a word if its interval leaves out 0."""
    pair, word, tone = ends(estimate), "", "muted"
    if pair and (pair[0] > 0 or pair[1] < 0):
        gain = (pair[0] > 0) == SENSITIVITY[figure][2]
        word, tone = ("better", "") if gain else ("worse", "worse")
    return Entry(f"{signed(estimate.value)} {word}".strip(), interval(estimate, sign=True), tone)


def clicks(study: ClicksToQuality) -> Section | None:
    """Mean IoU after each click, and how many clicks each target takes."""
    blocks: list[Block] = [b for b in (_curve(study), _targets(study)) if b]
    if not blocks:
        return None
    most = f", at most {study.limit} times" if study.limit else ""
    text = (
        f"A simulated user clicks on the largest error until the mask is good enough{most}. Fewer clicks are less work."
    )
    if any(name.endswith(WITH_MASKS) for counts in study.targets.values() for name in counts):
        text += f" With \u201c{WITH_MASKS.strip()}\u201d, the model gets the mask before each click, as in a session."
    return Section("clicks", "Clicks to a good mask", [Text(text), *blocks])


def _curve(study: ClicksToQuality) -> Chart | None:
    curve = {name: [finite(v) for v in values] for name, values in study.curve.items() if values}
    if not any(v is not None for values in curve.values() for v in values):
        return None
    xs = list(range(1, max(map(len, curve.values())) + 1))
    words = "; ".join(f"{name} from {score(v[0])} to {score(v[-1])}" for name, v in curve.items())
    drawing = lines(
        list(curve.items()),
        xs,
        label=f"Mean IoU after 1 to {xs[-1]} clicks: {words}.",
        x_title="clicks",
        y_title="mean IoU",
    )
    return Chart("Mean IoU after k clicks.", drawing, [Series(name, name) for name in curve])


def _targets(study: ClicksToQuality) -> Table | None:
    names = list(dict.fromkeys(name for counts in study.targets.values() for name in counts))
    if not names:
        return None
    heads = [Head("model", number=False), Head("mean clicks"), Head("never reached")]
    groups = []
    for target, counts in study.targets.items():
        table = []
        for name in names:
            own, tone = counts.get(name, ClickCount()), "strong" if name == "adapted" else ""
            part = f"{share(own.failures / own.n)} of {count(own.n)}" if own.n else ""
            mean = Entry(score(own.clicks.value, 2), interval(own.clicks, 2), tone)
            table.append([Entry(name, tone=tone), mean, Entry(count(own.failures if own.n else None), part, tone)])
        groups.append((f"IoU {target}", table))
    caption = "Clicks until the mask reaches the target, with 95 % intervals"
    limit = f"; a mask that never reaches it counts as {study.limit} clicks." if study.limit else "."
    return Table(caption + limit, heads, groups)
