"""What speaks against the verdict, the gravest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samtailor.report.page.numbers import count, finite, higher, interval, score, share, signed, span, values_of
from samtailor.report.page.verdict import FEW, gain_over, row_of
from samtailor.report.page.words import instances_in, listed

__all__ = ["ORDER", "ranked", "warnings_of"]

ORDER = {"error": 0, "warning": 1, "note": 2}
_SEEN = 0.0005  # a loss that three decimals show
_OF_CLASS = 0.01  # a loss of one class that is worth a line up here; smaller ones stand in the chart


def warnings_of(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Findings with ``severity``, ``what`` and ``hint``, errors before warnings."""
    evaluation = data["evaluation"]
    findings = [f for f in _data_findings(data) if f["severity"] != "note"]
    also = list(data.get("also") or [])
    prompts = _prompts(data.get("sensitivity") or {})
    return ranked(
        [*findings, *_few(evaluation), *_against(evaluation), *_classes(evaluation), *prompts, *_others(also)]
    )


def ranked(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings as dicts in the order of their level; an unknown level counts as a note."""
    blank: dict[str, Any] = {"what": "", "hint": "", "files": [], "count": None}
    known = [
        blank | dict(f) | {"severity": f.get("severity") if f.get("severity") in ORDER else "note"} for f in findings
    ]
    return sorted(known, key=lambda f: ORDER[f["severity"]])


def _data_findings(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    # Up here only the sentence and the hint; the files stand in the section on the data.
    findings = ranked((data.get("data") or {}).get("findings") or [])
    return [{"severity": f["severity"], "what": f"Data: {f['what']}", "hint": f["hint"] or ""} for f in findings]


def _few(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    n = finite(row_of(evaluation, "base-single").get("n") or row_of(evaluation, "adapted").get("n"))
    each = finite((evaluation.get("prompts") or {}).get("per_instance")) or 1
    if n is None or n / max(each, 1) >= FEW:
        return []
    what = f"Only {instances_in(evaluation, round(n), count(n))}: every figure below is uncertain."
    return [_warning(what, f"Label {FEW} or more before you rely on it.")]


def _against(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ways in which the adapted model loses although the verdict may praise it."""
    found = []
    best, adapted = row_of(evaluation, "base-best"), row_of(evaluation, "adapted")
    ends = span(gain_over(evaluation, "base-best").get("iou_instances_interval"))
    lead = higher(best.get("iou_instances"), adapted.get("iou_instances"))
    if lead is not None and lead > _SEEN and (ends is None or ends[0] <= 0):
        what = (
            f"base-best is not beaten: {score(best['iou_instances'])} against {score(adapted['iou_instances'])}. "
            "Taking the mask that the base rates highest does as well without an adapter."
        )
        found.append(_warning(what))
    gain = gain_over(evaluation, "base-single")
    whole = span(gain.get("iou_instances_interval"))
    if whole is not None and whole[1] < 0:
        return found  # the verdict says it already
    for key, name in (("miou", "mean over classes (mIoU)"), ("boundary_iou", "boundary IoU")):
        ends = span(gain.get(f"{key}_interval"))
        if ends is not None and ends[1] < 0:
            found.append(_warning(f"The {name} falls: {signed(gain.get(key))} ({interval(ends, sign=True)})."))
    return found


def _classes(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    base = row_of(evaluation, "base-single").get("per_class") or {}
    adapted = row_of(evaluation, "adapted").get("per_class") or {}
    losses = []
    for label, own in adapted.items():
        loss = higher((base.get(label) or {}).get("iou"), own.get("iou"))
        if loss is not None and loss > _OF_CLASS:
            losses.append((loss, label, base[label]["iou"], own["iou"], own.get("n")))
    if not losses or len(adapted) < 2:
        return []
    losses.sort(key=lambda row: -row[0])
    names = listed([f"{label} ({score(b)} → {score(a)}, n\u00a0=\u00a0{count(n)})" for _, label, b, a, n in losses])
    one = len(losses) == 1
    what = f"Worse than the base by over {_OF_CLASS} in {len(losses)} of {len(adapted)} classes: {names}."
    return [_warning(what, f"Prompt {'it' if one else 'them'} with the adapter off, or give more examples.")]


def _prompts(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Kinds of prompt under which the adapted model is below the base."""
    found = []
    for group, figures in ((study.get("paired") or {}).get("adapted - base-single") or {}).items():
        change, ends = values_of(figures.get("mean"))
        if group == "all" or change is None or ends is None or ends[1] >= 0:
            continue
        means = (study["methods"][m]["groups"][group]["mean"]["value"] for m in ("base-single", "adapted"))
        before, after = (score(mean) for mean in means)
        what = f"Worse than the base for prompts of kind \u201c{group}\u201d: mean IoU {before} → {after}."
        found.append(_warning(what, "Fit with --prompts mix, or prompt so with the adapter off."))
    return found + _clicks((study.get("clicks_to_quality") or {}).get("curve") or {})


def _clicks(curve: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """From which click on the base is ahead, if it is so to the end."""
    base, adapted = (curve.get(m) or [] for m in ("base-single", "adapted"))
    ahead = [b - a > _SEEN for b, a in zip(base, adapted, strict=False)]
    if not ahead or not ahead[-1]:
        return []
    first = len(ahead) - ahead[::-1].index(False) + 1 if False in ahead else 1
    ends = f"{score(base[-1])} against {score(adapted[-1])} at the end"
    what = f"With corrective clicks the base is ahead from click {first} on ({ends})."
    return [_warning(what, "Correct with the adapter off, or fit with --prompts mix.")]


def _others(also: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for task in also:
        name = task.get("task", "another task")
        if task.get("adapter_off_bit_equal") is False:
            what = f"On {name}, the masks with the adapter off are not those of the base."
            found.append({"severity": "error", "what": what, "hint": "Something changed the base; fit again."})
        gain = gain_over(task, "base-single")
        ends = span(gain.get("iou_instances_interval"))
        before, after = (row_of(task, m).get("iou_instances") for m in ("base-single", "adapted"))
        change = finite(gain.get("iou_instances"))
        change = higher(after, before) if change is None else change
        if change is not None and change < -_SEEN and (ends is None or ends[1] < 0):
            tail = f", 95 % interval {interval(ends, sign=True)}" if ends else ""
            what = f"Forgetting on {name}: mean IoU {score(before)} → {score(after)} ({signed(change)}{tail})."
            worse = finite(gain.get("worse"))
            what += f" {share(worse)} of its instances lose more than 0.05." if worse is not None else ""
            found.append(_warning(what, "Switch the adapter off there, or use it at less strength."))
    return found


def _warning(what: str, hint: str = "") -> dict[str, Any]:
    return {"severity": "warning", "what": what, "hint": hint}
