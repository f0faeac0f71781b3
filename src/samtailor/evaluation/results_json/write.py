"""Turn results into JSON types."""

from __future__ import annotations

from dataclasses import asdict
from functools import singledispatch
from typing import Any

from samtailor.evaluation.results import EvaluationSummary, Gain, OtherTask, Results, ScoreRow
from samtailor.evaluation.study_results import (
    ClickCount,
    ClickMap,
    ClicksToQuality,
    GroupStability,
    Sensitivity,
    StrengthPoint,
)
from samtailor.metrics.bootstrap import Estimate

__all__ = ["ESTIMATES", "FORMAT", "PAIRED", "STABILITY", "file_json", "to_json", "without_none"]

FORMAT = 1
"""Version of the files' layout, as ``format`` at the top level; files without it are of version 1."""

ESTIMATES = ("miou", "iou_instances", "boundary_iou")
"""Figures of a row with an interval of their own: ``miou`` and ``miou_interval``."""
STABILITY = ("mean", "spread", "worst", "p10", "unstable")
PAIRED = "adapted - "
"""A key of ``paired`` is this and the name of a row of the base."""


@singledispatch
def to_json(result: object) -> dict[str, Any]:
    """Return a result as dicts, lists, numbers and texts.

    Raises:
        TypeError: ``result`` is of another type.
    """
    raise TypeError(f"{type(result).__name__} is not a result of an evaluation.")


def file_json(results: Results) -> dict[str, Any]:
    """Return the content of the file that ``evaluate --json`` writes."""
    return {"format": FORMAT, **to_json(results)}


@to_json.register
def _(row: ScoreRow) -> dict[str, Any]:
    return {
        "method": row.name,
        "n": row.n,
        **_estimates(row),
        "dice": row.dice,
        "boundary_f1": {str(tolerance): value for tolerance, value in row.boundary_f1.items()},
        "hd95": row.hd95,
        "per_class": {label: asdict(score) for label, score in row.per_class.items()},
    }


@to_json.register
def _(gain: Gain) -> dict[str, Any]:
    shares = {"better": gain.better, "worse": gain.worse}
    return {"method": "adapted", "over": gain.over, **_estimates(gain), **shares}


def _estimates(row: ScoreRow | Gain) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in ESTIMATES:
        estimate: Estimate = getattr(row, name)
        own = estimate.to_dict()
        fields |= {name: own["value"], f"{name}_interval": own["interval"]}
    return fields


@to_json.register
def _(evaluation: EvaluationSummary) -> dict[str, Any]:
    boundary = evaluation.boundary
    fields = {
        "task": evaluation.task,
        "split": evaluation.split,
        "prompts": None if evaluation.prompts is None else asdict(evaluation.prompts),
        "base": None if evaluation.base is None else asdict(evaluation.base),
        "images": evaluation.images,
        "seconds": evaluation.seconds,
        "boundary": None
        if boundary is None
        else {"iou_share": boundary.iou_share, "f1_tolerances": list(boundary.f1_tolerances)},
        "rows": [to_json(row) for row in evaluation.rows],
        "gains": [to_json(gain) for gain in evaluation.gains],
        "map": list(evaluation.class_map) or None,
        "instances_drawn": evaluation.drawn,
        "classes_without_instances": list(evaluation.unscored) or None,
    }
    return without_none(fields)


@to_json.register
def _(stability: GroupStability) -> dict[str, Any]:
    return {name: getattr(stability, name).to_dict() for name in STABILITY}


@to_json.register
def _(sensitivity: Sensitivity) -> dict[str, Any]:
    rows = {
        name: {
            "by_prompt": {prompt: estimate.to_dict() for prompt, estimate in row.by_prompt.items()},
            "groups": {group: to_json(stability) for group, stability in row.groups.items()},
        }
        for name, row in sensitivity.rows.items()
    }
    paired = {
        PAIRED + name: {group: to_json(stability) for group, stability in groups.items()}
        for name, groups in sensitivity.paired.items()
    }
    fields = {
        "instances": sensitivity.instances,
        "images": sensitivity.images,
        "seed": sensitivity.seed,
        "methods": rows,
        "paired": paired,
        "clicks_to_quality": None if sensitivity.clicks is None else to_json(sensitivity.clicks),
    }
    return without_none(fields)


@to_json.register
def _(clicks: ClicksToQuality) -> dict[str, Any]:
    targets = {target: {name: to_json(c) for name, c in counts.items()} for target, counts in clicks.targets.items()}
    curve = {name: list(values) for name, values in clicks.curve.items()}
    return without_none({"limit": clicks.limit, "targets": targets, "curve": curve})


@to_json.register
def _(count: ClickCount) -> dict[str, Any]:
    own = count.clicks.to_dict()
    return {"mean": own["value"], "interval": own["interval"], "failures": count.failures, "n": count.n}


@to_json.register
def _(point: StrengthPoint) -> dict[str, Any]:
    fields = {"strength": point.strength, "iou_instances": point.iou_instances, "n": point.n}
    return fields | {"here": point.iou_own_task}


@to_json.register
def _(other: OtherTask) -> dict[str, Any]:
    strengths = [to_json(point) for point in other.strengths]
    fields = {"adapter_off_bit_equal": other.adapter_off_bit_equal, "strengths": strengths or None}
    return to_json(other.evaluation) | without_none(fields)


@to_json.register
def _(click_map: ClickMap) -> dict[str, Any]:
    return {
        "image": click_map.image,
        "instance": click_map.instance,
        "label": click_map.label,
        "extent": list(click_map.extent),
        "x": list(click_map.x),
        "y": list(click_map.y),
        "base": [list(row) for row in click_map.base],
        "adapted": [list(row) for row in click_map.adapted],
        "inside": [list(row) for row in click_map.inside],
    }


@to_json.register
def _(results: Results) -> dict[str, Any]:
    sensitivity = None if results.sensitivity is None else to_json(results.sensitivity)
    studies = {"sensitivity": sensitivity, "also": [to_json(other) for other in results.also] or None}
    return to_json(results.evaluation) | without_none(studies)


def without_none(fields: dict[str, Any]) -> dict[str, Any]:
    """Drop the keys whose value is None."""
    return {key: value for key, value in fields.items() if value is not None}
