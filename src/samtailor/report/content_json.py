"""The JSON of a report: what ``report.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samtailor.data.doctor.duplicates import Duplicate
from samtailor.data.doctor.images import BadImage
from samtailor.data.doctor.inspect import Inspection, SplitCounts
from samtailor.data.findings import SEVERITIES, Finding, Severity
from samtailor.evaluation.results_json.read import Json, click_map_of, number, optional, readable, results_of, whole
from samtailor.evaluation.results_json.write import FORMAT, to_json, without_none
from samtailor.report.content import Report, RunFacts, ValidationScore

__all__ = ["read_report", "report_json", "run_facts"]


def report_json(report: Report) -> dict[str, Any]:
    """Return the content of ``report.json``."""
    results, run = report.results, report.run
    fields = {
        "title": report.title or None,
        "created": report.created or None,
        "command": report.command or None,
        "run": None if run is None else {"folder": run.folder, "card": run.card},
        "sensitivity": None if results.sensitivity is None else to_json(results.sensitivity),
        "also": [to_json(other) for other in results.also] or None,
        "evaluation": to_json(results.evaluation),
        "data": None if report.inspection is None else report.inspection.to_dict(),
        "settings": report.settings,
        "versions": report.versions,
        "hardware": report.hardware,
        "commit": report.commit,
        "click_maps": [to_json(click_map) for click_map in report.click_maps],
    }
    return {"format": FORMAT, **without_none(fields)}


def read_report(content: Json) -> Report:
    """Read the content of a ``report.json``.

    Raises:
        DataError: the content is not a report, or a newer version wrote it.
    """
    with readable("a report", content):
        run, commit = content.get("run"), content.get("commit")
        return Report(
            results=results_of(content["evaluation"], content),
            title=_text(content, "title"),
            created=_text(content, "created"),
            command=_text(content, "command"),
            run=run_facts(_text(run, "folder"), run.get("card") or {}) if run else None,
            inspection=optional(_inspection, content.get("data")),
            settings=dict(content.get("settings") or {}),
            versions=dict(content.get("versions") or {}),
            hardware=dict(content.get("hardware") or {}),
            commit=None if commit is None else str(commit),
            click_maps=tuple(click_map_of(click_map) for click_map in content.get("click_maps") or ()),
        )


def run_facts(folder: str, card: Json) -> RunFacts:
    """Pick what a report shows about a fit out of the adapter's card."""
    fit = card.get("fit") or {}
    scores = {name: own for name, own in (card.get("validation") or {}).items() if isinstance(own, Mapping)}
    return RunFacts(
        folder=folder,
        card=card,
        method=_text(card, "method"),
        parameters=whole(card.get("parameters")),
        steps=whole(fit.get("steps")),
        best_step=whole(fit.get("best_step")),
        ended=_text(fit, "ended"),
        seconds=number(card.get("seconds")),
        validation={
            name: ValidationScore(number(own.get("miou")), number(own.get("iou_instances")), whole(own.get("n")))
            for name, own in scores.items()
        },
        created=_text(card, "created"),
        weights_digest=_text(card, "weights_digest"),
        settings=dict(fit.get("settings") or {}),
        versions=dict(card.get("versions") or {}),
    )


def _text(content: Json, key: str) -> str:
    return str(content.get(key) or "")


def _inspection(content: Json) -> Inspection:
    widths, heights, bad = content.get("widths"), content.get("heights"), content.get("first_bad")
    return Inspection(
        name=_text(content, "name"),
        root=_text(content, "root"),
        format=_text(content, "format"),
        splits={split: _split_counts(counts) for split, counts in (content.get("splits") or {}).items()},
        widths=(int(widths[0]), int(widths[1])) if widths else None,
        heights=(int(heights[0]), int(heights[1])) if heights else None,
        areas={name: number(area) for name, area in (content.get("areas") or {}).items()},
        decoded=bool(content.get("decoded")),
        bad_images=whole(content.get("bad_images")) or 0,
        first_bad=BadImage(_text(bad, "path"), _text(bad, "reason")) if bad else None,
        leaks=tuple((str(first), str(second)) for first, second in content.get("leaks") or ()),
        duplicates=tuple(Duplicate(**duplicate) for duplicate in content.get("duplicates") or ()),
        findings=tuple(_finding(finding) for finding in content.get("findings") or ()),
    )


def _split_counts(content: Json) -> SplitCounts:
    names = ("images", "empty_images", "instances", "crowd", "empty_masks", "tiny", "at_border")
    classes = {label: whole(n) or 0 for label, n in (content.get("classes") or {}).items()}
    return SplitCounts(**{name: whole(content.get(name)) or 0 for name in names}, classes=classes)


def _finding(content: Json) -> Finding:
    severity: Severity = next((known for known in SEVERITIES if known == content.get("severity")), "note")
    return Finding(
        severity=severity,
        code=_text(content, "code"),
        what=_text(content, "what"),
        files=tuple(file if isinstance(file, str) else " and ".join(file) for file in content.get("files") or ()),
        count=whole(content.get("count")) or 0,
        hint=_text(content, "hint"),
    )
