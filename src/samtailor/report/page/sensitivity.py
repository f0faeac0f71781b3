"""The sections on prompts: how much the answer depends on them, and how many clicks a good mask takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samtailor.report.page.blocks import Block, Cell, Chart, Head, Notes, Section, Series, Table, Text
from samtailor.report.page.charts import axis, bars, lines
from samtailor.report.page.numbers import count, finite, interval, score, share, signed, values_of
from samtailor.report.page.words import SENSITIVITY

__all__ = ["clicks", "prompts"]


def prompts(data: Mapping[str, Any]) -> Section | None:
    """Scores by kind of prompt, and how steady they are."""
    study = data.get("sensitivity") or {}
    methods: Mapping[str, Any] = study.get("methods") or {}
    blocks = [b for b in (_by_prompt(methods), _groups(study)) if b]
    if not blocks:
        return None
    where = f" Measured on {count(study['instances'])} instances" if finite(study.get("instances")) is not None else ""
    where += f" in {count(study['images'])} images" if where and finite(study.get("images")) is not None else ""
    where += f", seed {study['seed']}." if where and study.get("seed") is not None else "." if where else ""
    text = Text(f"A steady model gives the same mask wherever a person clicks or however tight the box is.{where}")
    known = {k for m in methods.values() for g in (m.get("groups") or {}).values() for k in g}
    notes = [
        (head, meaning[0].upper() + meaning[1:] + ".") for k, (head, meaning, _) in SENSITIVITY.items() if k in known
    ]
    return Section("prompts", "Prompt sensitivity", [text, *blocks, *([Notes(notes)] if notes else [])])


def _by_prompt(methods: Mapping[str, Any]) -> Table | None:
    series = [Series(m, m) for m, own in methods.items() if own.get("by_prompt")]
    kinds = list(dict.fromkeys(kind for s in series for kind in methods[s.key]["by_prompt"]))
    if not kinds:
        return None
    heads = [Head("prompt", number=False), Head("mean IoU", number=False), *(Head(s.name) for s in series)]
    rows = [[Cell(""), Cell(drawing=axis()), *[Cell("")] * len(series)]]
    for kind in kinds:
        estimates = [(s.key, *values_of(methods[s.key]["by_prompt"].get(kind))) for s in series]
        figures = [Cell(score(v), interval(e), "strong" if key == "adapted" else "") for key, v, e in estimates]
        rows.append([Cell(kind), Cell(drawing=bars(estimates)), *figures])
    return Table("Mean IoU by kind of prompt, with 95 % intervals.", heads, [("", rows)], series, bars=True)


def _groups(study: Mapping[str, Any]) -> Table | None:
    methods: Mapping[str, Any] = study.get("methods") or {}
    paired: Mapping[str, Any] = study.get("paired") or {}
    names = list(dict.fromkeys(g for m in (*methods.values(),) for g in m.get("groups") or {}))
    names += [g for p in paired.values() for g in p if g not in names]
    every = [g for m in methods.values() for g in (m.get("groups") or {}).values()]
    every += [g for p in paired.values() for g in p.values()]
    keys = [k for k in SENSITIVITY if any(k in g for g in every)]
    if not names or not keys:
        return None
    groups = []
    for name in names:
        rows = []
        for method, own in methods.items():
            if name in (own.get("groups") or {}):
                tone = "strong" if method == "adapted" else ""
                estimates = [values_of(own["groups"][name].get(k)) for k in keys]
                rows.append([Cell(method, tone=tone), *(Cell(score(v), interval(e), tone) for v, e in estimates)])
        for pair, own in paired.items():
            if name in own:
                cells = [_difference(k, own[name].get(k)) for k in keys]
                rows.append([Cell(pair.replace(" - ", " − "), "paired", "muted"), *cells])
        groups.append((f"Prompts: {name}", rows))
    heads = [Head("method", number=False)]
    heads += [Head(SENSITIVITY[k][0], "" if SENSITIVITY[k][2] else "less is better") for k in keys]
    return Table("How steady the answers are, with 95 % intervals.", heads, groups)


def _difference(key: str, estimate: Any) -> Cell:
    """A paired difference with a word where its interval leaves out 0."""
    value, ends = values_of(estimate)
    word, tone = "", "muted"
    if ends and (ends[0] > 0 or ends[1] < 0):
        gain = (ends[0] > 0) == SENSITIVITY[key][2]
        word, tone = ("better", "") if gain else ("worse", "worse")
    return Cell(f"{signed(value)} {word}".strip(), interval(ends, sign=True), tone)


def clicks(data: Mapping[str, Any]) -> Section | None:
    """Mean IoU after each click, and how many clicks each target takes."""
    study = (data.get("sensitivity") or {}).get("clicks_to_quality") or {}
    blocks: list[Block] = [b for b in (_curve(study), _targets(study)) if b]
    if not blocks:
        return None
    most = f", at most {study['limit']} times," if study.get("limit") else ""
    text = (
        f"A simulated person clicks where the mask is most wrong{most} until it is good enough: fewer clicks are less "
        "work."
    )
    return Section("clicks", "Clicks to a good mask", [Text(text), *blocks])


def _curve(study: Mapping[str, Any]) -> Chart | None:
    curve = {k: [finite(v) for v in values] for k, values in (study.get("curve") or {}).items() if values}
    if not any(v is not None for values in curve.values() for v in values):
        return None
    xs = list(range(1, max(map(len, curve.values())) + 1))
    said = "; ".join(f"{k} from {score(v[0])} to {score(v[-1])}" for k, v in curve.items())
    drawing = lines(
        list(curve.items()),
        xs,
        label=f"Mean IoU after 1 to {xs[-1]} clicks: {said}.",
        x_title="clicks",
        y_title="mean IoU",
    )
    return Chart("Mean IoU after k clicks.", drawing, [Series(k, k) for k in curve])


def _targets(study: Mapping[str, Any]) -> Table | None:
    targets: Mapping[str, Any] = study.get("targets") or {}
    methods = list(dict.fromkeys(m for own in targets.values() for m in own))
    if not methods:
        return None
    heads = [Head("target", number=False)]
    heads += [Head("mean clicks", m) for m in methods] + [Head("never reached", m) for m in methods]
    rows = []
    for target, own in targets.items():
        means, failures = [], []
        for method in methods:
            found = own.get(method) or {}
            tone = "strong" if method == "adapted" else ""
            value, ends = values_of(found)
            means.append(Cell(score(value, 2), interval(ends, 2), tone))
            failed, n = finite(found.get("failures")), finite(found.get("n"))
            part = f"{share(failed / n)} of {count(n)}" if failed is not None and n else ""
            failures.append(Cell(count(failed), part, tone))
        rows.append([Cell(f"IoU {target}"), *means, *failures])
    caption = "Clicks until the mask reaches a target, with 95 % intervals"
    limit = f"; one that never does counts as {study['limit']} clicks." if study.get("limit") else "."
    return Table(caption + limit, heads, [("", rows)])
