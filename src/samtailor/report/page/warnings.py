"""Warnings about a result: reasons to doubt it, and cases in which the adapter makes masks worse."""

from __future__ import annotations

from collections.abc import Sequence

from samtailor.data.findings import Finding
from samtailor.evaluation.results import EvaluationSummary, OtherTask
from samtailor.evaluation.study_results import ClicksToQuality, GroupStability, RowSensitivity, Sensitivity
from samtailor.report.content import Report
from samtailor.report.page.blocks import Message
from samtailor.report.page.numbers import count, difference, ends, finite, interval, score, share, signed
from samtailor.report.page.verdict import FEW
from samtailor.report.page.words import instances_in, listed

__all__ = ["messages_of", "warnings_of"]

_ORDER = {"error": 0, "warning": 1, "note": 2}
_SEEN = 0.0005  # a loss that three decimals show
_OF_CLASS = 0.01  # a loss of one class that is worth a warning; smaller ones are in the chart of classes


def warnings_of(report: Report) -> list[Message]:
    """Collect all warnings, errors first."""
    results = report.results
    warnings = _data_warnings(report.inspection.findings) if report.inspection else []
    warnings += _one_image(results.evaluation)
    warnings += _few(results.evaluation) + _against(results.evaluation) + _classes(results.evaluation)
    if results.sensitivity is not None:
        warnings += _prompts(results.sensitivity)
        warnings += _clicks(results.sensitivity.clicks) if results.sensitivity.clicks else []
    for other in results.also:
        warnings += _other(other)
    return _ranked(warnings)


def messages_of(findings: Sequence[Finding]) -> list[Message]:
    """Turn findings about the data into messages, errors first."""
    return _ranked([Message(f.severity, f.what, f.hint, f.files, f.count) for f in findings])


def _ranked(messages: Sequence[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: _ORDER[message.severity])


def _data_warnings(findings: Sequence[Finding]) -> list[Message]:
    # Without the files: the section on the data names them.
    return [Message(f.severity, f"Data: {f.what}", f.hint) for f in messages_of(findings) if f.severity != "note"]


def _one_image(evaluation: EvaluationSummary) -> list[Message]:
    if evaluation.images != 1:
        return []
    what = "All scores are from one image, which gives no interval: it does not say how much images differ."
    return [_warning(what, "Add test images.")]


def _few(evaluation: EvaluationSummary) -> list[Message]:
    n = evaluation.row("base-single").n or evaluation.row("adapted").n
    each = evaluation.prompts.per_instance if evaluation.prompts else 1
    warnings, of_split = [], f"{evaluation.split} ".lstrip()
    if n and evaluation.drawn is not None:
        drawn = "1 instance was" if evaluation.drawn == 1 else f"{evaluation.drawn:,} instances were"
        what = f"A quick look: {drawn} drawn from the {of_split}split."
        warnings.append(_warning(what, "Score all instances before you rely on the figures."))
    if n and n / max(each, 1) < FEW:
        what = f"Only {instances_in(evaluation, n)}: all figures below are uncertain."
        warnings.append(_warning(what, f"Label at least {FEW} before you rely on them."))
    if n and evaluation.images == 1:
        what = f"All {of_split}instances are on one image: 95 % intervals cannot be computed from it."
        warnings.append(_warning(what, "Label more images; the figures may be quite different on them."))
    if evaluation.unscored:
        what = f"No {of_split}instance was scored of {listed(evaluation.unscored)}: nothing is known about "
        what += "this class." if len(evaluation.unscored) == 1 else "these classes."
        hint = "Score all instances." if evaluation.drawn is not None else "Label some, or regroup the splits by image."
        warnings.append(_warning(what, hint))
    return warnings


def _against(evaluation: EvaluationSummary) -> list[Message]:
    """Losses of the adapted model that a favourable verdict may hide."""
    warnings = []
    best, adapted = evaluation.row("base-best").iou_instances, evaluation.row("adapted").iou_instances
    pair = ends(evaluation.gain_over("base-best").iou_instances)
    lead = difference(best.value, adapted.value)
    if lead is not None and lead > _SEEN and (pair is None or pair[0] <= 0):
        what = (
            f"The adapter does not beat base-best: {score(adapted.value)} against {score(best.value)}. "
            "Without an adapter, the mask that the base rates highest is as good or better."
        )
        warnings.append(_warning(what))
    chosen = evaluation.row("adapted-best").iou_instances.value
    lead = difference(adapted.value, chosen)
    if lead is not None and lead > _SEEN:
        what = (
            f"Of several masks, the one with the highest score has {score(chosen)}, "
            f"the adapted mask {score(adapted.value)}: an untrained mask outranks the trained one."
        )
        warnings.append(_warning(what, "Ask for one mask."))
    gain = evaluation.gain_over("base-single")
    pair = ends(gain.iou_instances)
    if pair is not None and pair[1] < 0:
        return warnings  # the verdict says so already
    for name, change in (("mean over classes (mIoU)", gain.miou), ("boundary IoU", gain.boundary_iou)):
        pair = ends(change)
        if pair is not None and pair[1] < 0:
            warnings.append(
                _warning(f"With the adapter, the {name} falls: {signed(change.value)} ({interval(change, sign=True)}).")
            )
    return warnings


def _classes(evaluation: EvaluationSummary) -> list[Message]:
    base, adapted = evaluation.row("base-single").per_class, evaluation.row("adapted").per_class
    losses = []
    for label, after in adapted.items():
        before = base.get(label)
        loss = None if before is None else difference(before.iou, after.iou)
        if before is not None and loss is not None and loss > _OF_CLASS:
            losses.append((loss, f"{label} ({score(before.iou)} → {score(after.iou)}, n\u00a0=\u00a0{count(after.n)})"))
    if not losses or len(adapted) < 2:
        return []
    losses.sort(key=lambda pair: -pair[0])
    names = listed([text for _, text in losses])
    what = f"Worse than the base by more than {_OF_CLASS} in {len(losses)} of {len(adapted)} classes: {names}."
    pronoun = "this class" if len(losses) == 1 else "these classes"
    return [_warning(what, f"Switch the adapter off for {pronoun}, or add training examples.")]


def _prompts(sensitivity: Sensitivity) -> list[Message]:
    """Warn about kinds of prompt for which the adapted model is below the base."""
    warnings = []
    for group, figures in sensitivity.paired.get("base-single", {}).items():
        pair = ends(figures.mean)
        if group == "all" or finite(figures.mean.value) is None or pair is None or pair[1] >= 0:
            continue
        before, after = (score(_mean_in(sensitivity, row, group)) for row in ("base-single", "adapted"))
        what = f"Worse than the base for prompts of kind \u201c{group}\u201d: mean IoU {before} → {after}."
        warnings.append(_warning(what, "Fit with --prompts interactive, or switch the adapter off for such prompts."))
    return warnings


def _mean_in(sensitivity: Sensitivity, row: str, group: str) -> float:
    return sensitivity.rows.get(row, RowSensitivity()).groups.get(group, GroupStability()).mean.value


def _clicks(clicks: ClicksToQuality) -> list[Message]:
    """Warn if the base is ahead from some click on, up to the last one."""
    base, adapted = (clicks.curve.get(row, ()) for row in ("base-single", "adapted"))
    ahead = [b - a > _SEEN for b, a in zip(base, adapted, strict=False)]
    if not ahead or not ahead[-1]:
        return []
    first = len(ahead) - ahead[::-1].index(False) + 1 if False in ahead else 1
    last = f"{score(base[-1])} against {score(adapted[-1])} after the last click"
    what = f"With corrective clicks, the base scores higher from click {first} on ({last})."
    return [_warning(what, "Switch the adapter off for corrections, or fit with --prompts interactive.")]


def _other(other: OtherTask) -> list[Message]:
    warnings, evaluation = [], other.evaluation
    name = evaluation.task
    if other.adapter_off_bit_equal is False:
        what = f"On {name}, the masks with the adapter off differ from those of the base."
        warnings.append(Message("error", what, "The weights of the base were changed. Fit again."))
    gain = evaluation.gain_over("base-single")
    before, after = (evaluation.row(row).iou_instances.value for row in ("base-single", "adapted"))
    change, pair = finite(gain.iou_instances.value), ends(gain.iou_instances)
    change = difference(after, before) if change is None else change
    if change is not None and change < -_SEEN and (pair is None or pair[1] < 0):
        tail = f", 95 % interval {interval(gain.iou_instances, sign=True)}" if pair else ""
        what = f"Forgetting on {name}: mean IoU {score(before)} → {score(after)} ({signed(change)}{tail})."
        if finite(gain.worse) is not None:
            what += f" {share(gain.worse)} of its instances lose more than 0.05 IoU."
        warnings.append(_warning(what, "Switch the adapter off for this task, or reduce its strength."))
    return warnings


def _warning(what: str, hint: str = "") -> Message:
    return Message("warning", what, hint)
