"""The sections on where the figures come from: the fit, the data, the settings and how to repeat the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from samtailor.data.doctor.inspect import Inspection, SplitCounts
from samtailor.report.content import Report, RunFacts
from samtailor.report.page.blocks import Block, Entry, Facts, Findings, Head, Pictures, Section, Table
from samtailor.report.page.figures import picture
from samtailor.report.page.numbers import DASH, count, duration, finite, score
from samtailor.report.page.warnings import messages_of

__all__ = ["data_summary", "fit", "making"]

_COUNTS = {
    "images": "images",
    "empty_images": "without instances",
    "instances": "instances",
    "crowd": "crowd",
    "empty_masks": "empty masks",
    "tiny": "tiny",
    "at_border": "at the border",
}
"""Attribute of ``SplitCounts`` -> heading."""

_MANY_CLASSES = 12
_Pairs = list[tuple[str, str]]


def fit(run: RunFacts | None, curve: bytes | None) -> Section | None:
    """The training curve and facts about the fit."""
    blocks: list[Block] = []
    if curve is not None:
        alt = "Training loss and validation mIoU by step; learning rate below."
        blocks.append(Pictures("", [picture(curve, alt)]))
    facts = _fit_facts(run) if run is not None else []
    blocks += [Facts("", facts)] if facts else []
    return Section("fit", "Fitting", blocks) if blocks else None


def _fit_facts(run: RunFacts) -> _Pairs:
    facts = [("method", run.method)] if run.method else []
    if run.parameters is not None:
        facts.append(("parameters", count(run.parameters)))
    if run.steps is not None:
        best = "" if run.best_step is None else f", best at step {count(run.best_step)}"
        best = ", none better than the start" if run.best_step == 0 else best
        facts.append(("steps", f"{count(run.steps)}{best}"))
    if run.ended:
        facts.append(("stopped because", run.ended))
    if finite(run.seconds) is not None:
        facts.append(("time", duration(run.seconds)))
    for name, own in run.validation.items():
        text = f"mIoU {score(own.miou)}, IoU {score(own.iou_instances)}, n = {count(own.n)}"
        facts.append((f"validation, {name}", text))
    return facts + ([("date", run.created)] if run.created else [])


def data_summary(inspection: Inspection) -> Section | None:
    """Findings first, then counts by split and by class."""
    findings, splits = messages_of(inspection.findings), inspection.splits
    blocks: list[Block] = [Findings(findings)] if findings else []
    if splits:
        heads = [Head("split", number=False), *(Head(heading) for heading in _COUNTS.values())]
        rows = [[Entry(split), *(Entry(count(getattr(own, k))) for k in _COUNTS)] for split, own in splits.items()]
        blocks.append(Table("Images and instances by split.", heads, [("", rows)]))
        blocks += _class_counts(splits)
    facts = _data_facts(inspection)
    blocks += [Facts("", facts)] if facts else []
    return Section("data", "Data", blocks) if blocks else None


def _data_facts(inspection: Inspection) -> _Pairs:
    named = (("name", inspection.name), ("format", inspection.format), ("root", inspection.root))
    facts = [(name, text) for name, text in named if text]
    for name, pair in (("width, px", inspection.widths), ("height, px", inspection.heights)):
        if pair is not None:
            low, high = pair
            facts.append((name, count(low) if low == high else f"{count(low)} to {count(high)}"))
    if inspection.areas:
        facts.append(("mask area, px", ", ".join(f"{k} {count(v)}" for k, v in inspection.areas.items())))
    if inspection.decoded:
        facts.append(("unusable images", count(inspection.bad_images)))
        facts.append(("files in two splits", count(len(inspection.leaks))))
    return facts


def _class_counts(splits: Mapping[str, SplitCounts]) -> list[Block]:
    labels = list(dict.fromkeys(label for own in splits.values() for label in own.classes))
    if not labels:
        return []
    heads = [Head("class", number=False), *(Head(split) for split in splits)]
    rows = [[Entry(label), *(Entry(count(own.classes.get(label))) for own in splits.values())] for label in labels]
    folded = f"Instances of {len(labels):,} classes by split" if len(labels) > _MANY_CLASSES else ""
    return [Table("" if folded else "Instances by class and split.", heads, [("", rows)], folded=folded)]


def making(report: Report) -> Section | None:
    """Everything that somebody else needs to get the same figures."""
    run = report.run or RunFacts()
    blocks: list[Block] = []
    if report.command:
        blocks.append(Facts("Repeat this report", [("command", report.command)], code=True))
    for heading, pairs, code in (
        ("Evaluation", _evaluation_facts(report), False),
        ("Fingerprints and dates", _fingerprints(report, run), True),
        ("Settings", list(_flat(report.settings)), False),
        ("Versions", list(_flat(report.versions or run.versions)), False),
        ("Hardware", list(_flat(report.hardware)), False),
    ):
        if pairs:
            blocks.append(Facts(heading, pairs, code))
    return Section("making", "How this was made", blocks) if blocks else None


def _evaluation_facts(report: Report) -> _Pairs:
    evaluation = report.results.evaluation
    facts = [(name, text) for name, text in (("task", evaluation.task), ("split", evaluation.split)) if text]
    if evaluation.images is not None:
        facts.append(("images", count(evaluation.images)))
    if evaluation.prompts is not None:
        settings = asdict(evaluation.prompts).items()
        facts.append(("prompts", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings)))
    if evaluation.class_map:
        facts.append(("class map", ", ".join(evaluation.class_map)))
    if finite(evaluation.seconds) is not None:
        facts.append(("evaluation time", duration(evaluation.seconds)))
    return facts


def _fingerprints(report: Report, run: RunFacts) -> _Pairs:
    base = report.results.evaluation.base
    pairs = [
        ("base name", base.name if base else ""),
        ("base fingerprint", base.fingerprint if base else ""),
        ("run", run.folder),
        ("weights digest", run.weights_digest),
        ("commit", report.commit or ""),
        ("created", report.created),
    ]
    return [(name, text) for name, text in pairs if text]


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """``{"losses": {"dice": 1.0}}`` as (``losses dice``, ``1.0``)."""
    for key, value in tree.items():
        name = f"{above} {key}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value)) or DASH
        else:
            yield name, DASH if value is None else str(value)
