"""The sections on where the figures come from: the fit, the data, the settings and how to make the page again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from samtailor.report.page.blocks import Block, Cell, Facts, Findings, Head, Picture, Pictures, Section, Table
from samtailor.report.page.figures import picture
from samtailor.report.page.numbers import DASH, count, duration, finite, score
from samtailor.report.page.warnings import ranked

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
_MANY_CLASSES = 12


def fit(data: Mapping[str, Any]) -> Section | None:
    """The training curve and what adapter.json says of the fit."""
    card = (data.get("run") or {}).get("card") or {}
    blocks: list[Block] = []
    if data.get("curve"):
        alt = "Training loss and validation mIoU against the step, the learning rate below."
        shown: Picture = picture(data["curve"], alt)
        blocks.append(Pictures("", [shown]))
    facts, own = [], card.get("fit") or {}
    if card.get("method"):
        facts.append(("method", str(card["method"])))
    if finite(card.get("parameters")) is not None:
        facts.append(("parameters", count(card["parameters"])))
    if finite(own.get("steps")) is not None:
        best = f", the best at step {count(own['best_step'])}" if finite(own.get("best_step")) is not None else ""
        facts.append(("steps", f"{count(own['steps'])}{best}"))
    if own.get("ended"):
        facts.append(("ended because", str(own["ended"])))
    if finite(card.get("seconds")) is not None:
        facts.append(("time", duration(card["seconds"])))
    for who, found in (card.get("validation") or {}).items():
        if isinstance(found, Mapping):
            text = (
                f"mIoU {score(found.get('miou'))}, IoU {score(found.get('iou_instances'))}, n = {count(found.get('n'))}"
            )
            facts.append((f"validation, {who}", text))
    if card.get("created"):
        facts.append(("fitted", str(card["created"])))
    blocks += [Facts("", facts)] if facts else []
    return Section("fit", "Fitting", blocks) if blocks else None


def data_summary(data: Mapping[str, Any]) -> Section | None:
    """Findings first, then counts by split and by class."""
    found = data.get("data") or {}
    findings, splits = found.get("findings") or [], found.get("splits") or {}
    blocks: list[Block] = [Findings(ranked(findings))] if findings else []
    if splits:
        keys = [k for k in _COUNTS if any(k in own for own in splits.values())]
        heads = [Head("split", number=False), *(Head(_COUNTS[k]) for k in keys)]
        rows = [[Cell(split), *(Cell(count(own.get(k))) for k in keys)] for split, own in splits.items()]
        blocks.append(Table("What the task holds.", heads, [("", rows)]))
        blocks += _class_counts(splits)
    facts = [(k, str(found[k])) for k in ("name", "format", "root") if found.get(k)]
    for key, name in (("widths", "width, px"), ("heights", "height, px")):
        if found.get(key):
            low, high = found[key]
            facts.append((name, count(low) if low == high else f"{count(low)} to {count(high)}"))
    areas = found.get("areas") or {}
    if areas:
        facts.append(("mask area, px", ", ".join(f"{k} {count(v)}" for k, v in areas.items())))
    if finite(found.get("bad_images")) is not None and found.get("decoded"):
        facts.append(("unusable images", count(found["bad_images"])))
    if found.get("decoded") and "leaks" in found:
        facts.append(("same file in two splits", count(len(found["leaks"]))))
    blocks += [Facts("", facts)] if facts else []
    return Section("data", "Data", blocks) if blocks else None


def _class_counts(splits: Mapping[str, Any]) -> list[Block]:
    labels = list(dict.fromkeys(k for own in splits.values() for k in own.get("classes") or {}))
    if not labels:
        return []
    heads = [Head("class", number=False), *(Head(split) for split in splits)]
    rows = [
        [Cell(label), *(Cell(count((own.get("classes") or {}).get(label))) for own in splits.values())]
        for label in labels
    ]
    folded = f"Instances of {len(labels):,} classes by split" if len(labels) > _MANY_CLASSES else ""
    return [Table("" if folded else "Instances by class and split.", heads, [("", rows)], folded=folded)]


def making(data: Mapping[str, Any]) -> Section | None:
    """All that somebody else needs to get the same figures."""
    evaluation, run = data["evaluation"], data.get("run") or {}
    card, drawn, base = run.get("card") or {}, evaluation.get("prompts") or {}, evaluation.get("base") or {}
    facts = [(k, str(v)) for k, v in (("task", evaluation.get("task")), ("split", evaluation.get("split"))) if v]
    if finite(evaluation.get("images")) is not None:
        facts.append(("images", count(evaluation["images"])))
    if drawn:
        facts.append(("prompts", ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in drawn.items())))
    if evaluation.get("map"):
        facts.append(("classes mapped", ", ".join(map(str, evaluation["map"]))))
    if finite(evaluation.get("seconds")) is not None:
        facts.append(("time of the evaluation", duration(evaluation["seconds"])))
    exact = [(f"base {k}", str(v)) for k, v in base.items()]
    exact += [("run", str(run["folder"]))] if run.get("folder") else []
    exact += [("weights digest", str(card["weights_digest"]))] if card.get("weights_digest") else []
    exact += [(k, str(data[k])) for k in ("commit", "created") if data.get(k)]
    blocks: list[Block] = []
    if data.get("command"):
        blocks.append(Facts("Make this page again", [("command", str(data["command"]))], code=True))
    for heading, pairs, code in (
        ("Evaluation", facts, False),
        ("Fingerprints and dates", exact, True),
        ("Settings", list(_flat(data.get("settings") or {})), False),
        ("Versions", list(_flat(data.get("versions") or card.get("versions") or {})), False),
        ("Hardware", list(_flat(data.get("hardware") or {})), False),
    ):
        if pairs:
            blocks.append(Facts(heading, pairs, code))
    return Section("making", "How this was made", blocks) if blocks else None


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
