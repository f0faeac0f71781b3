"""Read results from JSON.

Files of older versions lack ``format``, intervals, boundary scores or whole studies: missing and null numbers are NaN,
missing studies are None or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from samtailor.errors import DataError
from samtailor.evaluation.results import (
    BaseIdentity,
    ClassScore,
    EvaluationSummary,
    Gain,
    OtherTask,
    PromptSettings,
    Results,
    ScoreRow,
)
from samtailor.evaluation.results_json.write import ESTIMATES, FORMAT, PAIRED, STABILITY
from samtailor.evaluation.study_results import (
    ClickCount,
    ClickMap,
    ClicksToQuality,
    GroupStability,
    RowSensitivity,
    Sensitivity,
    StrengthPoint,
)
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.metrics.scores import BoundarySettings
from samtailor.prompts import EvaluatedKind

__all__ = [
    "Json",
    "click_map_of",
    "number",
    "optional",
    "read_click_map",
    "read_results",
    "readable",
    "results_of",
    "whole",
]

Json = Mapping[str, Any]
_T = TypeVar("_T")


def read_results(content: Json) -> Results:
    """Read the content of a file that ``evaluate --json`` wrote.

    Raises:
        DataError: the content is not an evaluation, or a newer version wrote it.
    """
    with readable("an evaluation", content):
        return results_of(content, content)


def read_click_map(content: Json) -> ClickMap:
    """Read what ``to_json`` made of a click map.

    Raises:
        DataError: the content is not a click map.
    """
    with readable("a click map", content):
        return click_map_of(content)


@contextmanager
def readable(kind: str, content: Json) -> Iterator[None]:
    """Check the format of a file's content, and turn errors inside the block into a DataError; ``kind`` names it."""
    try:
        version = int(content.get("format", FORMAT))
        if version > FORMAT:
            raise DataError(
                f"The JSON of {kind} has format {version}; this version of samtailor reads up to {FORMAT}.",
                "Update samtailor.",
            )
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"This is not the JSON of {kind}: {type(error).__name__}: {error}.",
            "Use a file that `samtailor evaluate --json` or `samtailor report` wrote.",
        ) from error


def results_of(evaluation: Json, studies: Json) -> Results:
    """Read an evaluation and the studies beside it, which a report keeps on another level."""
    return Results(
        _evaluation(evaluation),
        optional(_sensitivity, studies.get("sensitivity")),
        tuple(_other_task(other) for other in studies.get("also") or ()),
    )


def click_map_of(content: Json) -> ClickMap:
    x0, y0, x1, y1 = map(number, content["extent"])
    return ClickMap(
        image=str(content["image"]),
        instance=int(content["instance"]),
        label=str(content["label"]),
        extent=(x0, y0, x1, y1),
        x=_numbers(content["x"]),
        y=_numbers(content["y"]),
        base=tuple(map(_numbers, content["base"])),
        adapted=tuple(map(_numbers, content["adapted"])),
        inside=tuple(tuple(map(bool, row)) for row in content["inside"]),
    )


def number(value: Any) -> float:
    """Read a number; null is NaN."""
    return float("nan") if value is None else float(value)


def whole(value: Any) -> int | None:
    """Read a whole number; null and NaN are None."""
    return None if value is None or value != value else int(value)


def optional(read: Callable[[Json], _T], content: Json | None) -> _T | None:
    """Read a part that may be missing."""
    return read(content) if content else None


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(number(value) for value in values)


def _interval(pair: Any) -> tuple[float, float]:
    low, high = (None, None) if pair is None else pair
    return number(low), number(high)


def _evaluation(content: Json) -> EvaluationSummary:
    return EvaluationSummary(
        task=str(content["task"]),
        split=str(content.get("split") or ""),
        prompts=optional(_prompts, content.get("prompts")),
        base=optional(_base, content.get("base")),
        images=whole(content.get("images")),
        seconds=number(content.get("seconds")),
        boundary=optional(_boundary, content.get("boundary")),
        rows=tuple(_row(row) for row in content.get("rows") or ()),
        gains=tuple(_gain(gain) for gain in content.get("gains") or ()),
        class_map=tuple(map(str, content.get("map") or ())),
        drawn=whole(content.get("instances_drawn")),
        unscored=tuple(map(str, content.get("classes_without_instances") or ())),
    )


def _prompts(content: Json) -> PromptSettings:
    kind = cast(EvaluatedKind, str(content["kind"]))  # of another version; nothing is prompted with it
    return PromptSettings(kind, int(content.get("per_instance") or 1), int(content.get("seed") or 0))


def _base(content: Json) -> BaseIdentity:
    return BaseIdentity(str(content["name"]), str(content.get("fingerprint") or ""))


def _boundary(content: Json) -> BoundarySettings:
    return BoundarySettings(number(content.get("iou_share")), tuple(map(int, content.get("f1_tolerances") or ())))


def _row(content: Json) -> ScoreRow:
    return ScoreRow(
        name=str(content["method"]),
        n=whole(content.get("n")) or 0,
        **_estimates(content),
        dice=number(content.get("dice")),
        boundary_f1={int(tolerance): number(value) for tolerance, value in (content.get("boundary_f1") or {}).items()},
        hd95=number(content.get("hd95")),
        per_class={label: _class_score(score) for label, score in (content.get("per_class") or {}).items()},
    )


def _class_score(content: Json) -> ClassScore:
    iou, boundary_iou = (number(content.get(key)) for key in ("iou", "boundary_iou"))
    return ClassScore(iou, whole(content.get("n")) or 0, boundary_iou)


def _gain(content: Json) -> Gain:
    better, worse = (number(content.get(key)) for key in ("better", "worse"))
    return Gain(str(content["over"]), **_estimates(content), better=better, worse=worse)


def _estimates(content: Json) -> dict[str, Any]:
    return {
        name: Estimate(number(content.get(name)), *_interval(content.get(f"{name}_interval"))) for name in ESTIMATES
    }


def _estimate(content: Json | None) -> Estimate:
    return UNKNOWN if content is None else Estimate(number(content.get("value")), *_interval(content.get("interval")))


def _stability(content: Json) -> GroupStability:
    return GroupStability(**{name: _estimate(content.get(name)) for name in STABILITY})


def _sensitivity(content: Json) -> Sensitivity:
    return Sensitivity(
        instances=whole(content.get("instances")),
        images=whole(content.get("images")),
        seed=whole(content.get("seed")),
        rows={name: _row_sensitivity(row) for name, row in (content.get("methods") or {}).items()},
        paired={
            pair.removeprefix(PAIRED): {group: _stability(s) for group, s in groups.items()}
            for pair, groups in (content.get("paired") or {}).items()
        },
        clicks=optional(_clicks, content.get("clicks_to_quality")),
    )


def _row_sensitivity(content: Json) -> RowSensitivity:
    return RowSensitivity(
        by_prompt={prompt: _estimate(estimate) for prompt, estimate in (content.get("by_prompt") or {}).items()},
        groups={group: _stability(stability) for group, stability in (content.get("groups") or {}).items()},
    )


def _clicks(content: Json) -> ClicksToQuality:
    return ClicksToQuality(
        limit=whole(content.get("limit")),
        targets={
            target: {name: _click_count(count) for name, count in counts.items()}
            for target, counts in (content.get("targets") or {}).items()
        },
        curve={name: _numbers(values) for name, values in (content.get("curve") or {}).items()},
    )


def _click_count(content: Json) -> ClickCount:
    clicks = Estimate(number(content.get("mean")), *_interval(content.get("interval")))
    return ClickCount(clicks, whole(content.get("failures")) or 0, whole(content.get("n")) or 0)


def _other_task(content: Json) -> OtherTask:
    equal = content.get("adapter_off_bit_equal")
    strengths = tuple(_strength(point) for point in content.get("strengths") or ())
    return OtherTask(_evaluation(content), None if equal is None else bool(equal), strengths)


def _strength(content: Json) -> StrengthPoint:
    return StrengthPoint(
        strength=number(content["strength"]),
        iou_instances=number(content.get("iou_instances")),
        n=whole(content.get("n")) or 0,
        iou_own_task=number(content.get("here")),
    )
