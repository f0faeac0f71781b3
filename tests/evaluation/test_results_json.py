"""Results survive being written as JSON and read again, files of older versions included."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from samtailor.evaluation.results_json import file_json, read_click_map, read_results, to_json
from samtailor.evaluation.rows import ROWS
from samtailor.evaluation.study_results import (
    ClickCount,
    ClickMap,
    ClicksToQuality,
    GroupStability,
    RowSensitivity,
    Sensitivity,
    StrengthPoint,
)
from samtailor.machine.files import write_json
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.metrics.scores import BoundarySettings

KEPT = Path(__file__).parents[2] / "experiments" / "results" / "evaluations"

numbers = st.floats(-2, 2)
counts = st.integers(0, 10**6)
names = st.text(max_size=8)
estimates = st.builds(Estimate, numbers, numbers, numbers)
row_names = st.sampled_from(ROWS)
score_rows = st.builds(
    ScoreRow,
    name=row_names,
    n=counts,
    miou=estimates,
    iou_instances=estimates,
    boundary_iou=estimates,
    dice=numbers,
    boundary_f1=st.dictionaries(st.integers(0, 20), numbers, max_size=3),
    hd95=numbers,
    per_class=st.dictionaries(names, st.builds(ClassScore, numbers, counts, numbers), max_size=3),
)
gains = st.builds(Gain, row_names, estimates, estimates, estimates, numbers, numbers)
evaluations = st.builds(
    EvaluationSummary,
    task=names,
    split=st.sampled_from(("train", "val", "test")),
    prompts=st.builds(PromptSettings, st.sampled_from(("click", "box", "mix", "3 clicks")), st.integers(1, 9), counts),
    base=st.builds(BaseIdentity, names, names),
    images=counts,
    seconds=numbers,
    boundary=st.builds(BoundarySettings, numbers, st.lists(st.integers(0, 20), max_size=3).map(tuple)),
    rows=st.lists(score_rows, max_size=4).map(tuple),
    gains=st.lists(gains, max_size=3).map(tuple),
    class_map=st.lists(names, max_size=2).map(tuple),
)
stability = st.builds(GroupStability, estimates, estimates, estimates, estimates, estimates)
groups = st.dictionaries(names, stability, max_size=2)
click_counts = st.builds(ClickCount, estimates, counts, counts)
sensitivities = st.builds(
    Sensitivity,
    instances=counts,
    images=counts,
    seed=counts,
    rows=st.dictionaries(
        row_names, st.builds(RowSensitivity, st.dictionaries(names, estimates, max_size=2), groups), max_size=2
    ),
    paired=st.dictionaries(row_names, groups, max_size=2),
    clicks=st.none()
    | st.builds(
        ClicksToQuality,
        limit=st.integers(1, 50),
        targets=st.dictionaries(names, st.dictionaries(row_names, click_counts, max_size=2), max_size=2),
        curve=st.dictionaries(row_names, st.lists(numbers, max_size=4).map(tuple), max_size=2),
    ),
)
strengths = st.lists(st.builds(StrengthPoint, numbers, numbers, counts, numbers), max_size=3).map(tuple)
others = st.lists(st.builds(OtherTask, evaluations, st.none() | st.booleans(), strengths), max_size=2).map(tuple)
all_results = st.builds(Results, evaluations, st.none() | sensitivities, others)


def plain(content: Any) -> Any:
    """What a JSON file gives back."""
    return json.loads(json.dumps(content))


@given(all_results)
def test_results_come_back_equal(results: Results) -> None:
    content = plain(file_json(results))
    assert content["format"] == 1
    assert read_results(content) == results


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.builds(
            ClickMap,
            image=names,
            instance=st.integers(),
            label=names,
            extent=st.tuples(numbers, numbers, numbers, numbers),
            x=st.lists(numbers, min_size=n, max_size=n).map(tuple),
            y=st.just((0.5,)),
            base=st.lists(numbers, min_size=n, max_size=n).map(lambda row: (tuple(row),)),
            adapted=st.lists(numbers, min_size=n, max_size=n).map(lambda row: (tuple(row),)),
            inside=st.lists(st.booleans(), min_size=n, max_size=n).map(lambda row: (tuple(row),)),
        )
    )
)
def test_click_maps_come_back_equal(click_map: ClickMap) -> None:
    assert read_click_map(plain(to_json(click_map))) == click_map


def test_unknown_numbers_are_null_in_the_file_and_nan_after_reading(tmp_path: Path) -> None:
    row = ScoreRow("adapted", 3, iou_instances=Estimate(0.5, 0.4, 0.6), per_class={"x": ClassScore()})
    results = Results(EvaluationSummary("x", rows=(row,), gains=(Gain("base-single"),)))
    write_json(tmp_path / "e.json", file_json(results))
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["rows"][0]["miou"] is None and content["rows"][0]["miou_interval"] is None
    assert content["gains"][0]["better"] is None and content["rows"][0]["per_class"]["x"]["iou"] is None
    again = read_results(content)
    assert str(again) == str(results)  # NaN is not equal to itself
    assert again.evaluation.row("adapted").iou_instances == row.iou_instances
    content["rows"][0]["miou_interval"] = [None, None]  # as earlier versions wrote it
    assert str(read_results(content)) == str(results)


def test_the_keys_and_their_order() -> None:
    row = ScoreRow("base-single", 3, per_class={"x": ClassScore(0.5, 3, 0.4)}, boundary_f1={1: 0.1, 3: 0.2})
    summary = EvaluationSummary(
        "x", "test", PromptSettings(), BaseIdentity("b", "f"), 1, 2.0, BoundarySettings(0.02, (1, 3)), (row,)
    )
    sensitivity = Sensitivity(1, 1, 0, {"base-single": RowSensitivity()}, {"base-best": {"box": GroupStability()}})
    other = OtherTask(summary, True, (StrengthPoint(0.5, 0.4, 3, 0.3),))
    content = file_json(
        Results(replace(summary, class_map=("a=b",), drawn=3, unscored=("hat",)), sensitivity, (other,))
    )
    scores = ["task", "split", "prompts", "base", "images", "seconds", "boundary", "rows", "gains"]
    assert list(content) == [
        "format",
        *scores,
        "map",
        "instances_drawn",
        "classes_without_instances",
        "sensitivity",
        "also",
    ]
    assert (content["instances_drawn"], content["classes_without_instances"]) == (3, ["hat"])
    assert list(content["also"][0]) == [*scores, "adapter_off_bit_equal", "strengths"]
    assert list(content["also"][0]["strengths"][0]) == ["strength", "iou_instances", "n", "here"]
    assert list(content["rows"][0]) == [
        "method",
        "n",
        *(f"{k}{end}" for k in ("miou", "iou_instances", "boundary_iou") for end in ("", "_interval")),
        *("dice", "boundary_f1", "hd95", "per_class"),
    ]
    assert content["rows"][0]["boundary_f1"] == {"1": 0.1, "3": 0.2}
    assert content["prompts"] == {"kind": "click", "per_instance": 1, "seed": 0}
    assert list(content["sensitivity"]) == ["instances", "images", "seed", "methods", "paired"]
    assert list(content["sensitivity"]["paired"]) == ["adapted - base-best"]


@pytest.mark.parametrize("name", sorted(p.stem for p in KEPT.glob("*_*click*.json")))
def test_kept_files_keep_their_values(name: str) -> None:
    content = json.loads((KEPT / f"{name}.json").read_text())
    written = to_json(read_results(content))
    for key in set(content) - {"rows"}:
        assert written[key] == content[key], key
    for row, kept in zip(written["rows"], content["rows"], strict=True):
        assert {k: v for k, v in row.items() if k in kept and k != "per_class"} == {
            k: v for k, v in kept.items() if k != "per_class"
        }
        assert [(c["iou"], c["n"]) for c in row["per_class"].values()] == [
            (c["iou"], c["n"]) for c in kept["per_class"].values()
        ]


def test_a_file_without_intervals_or_boundary_scores() -> None:
    evaluation = read_results(json.loads((KEPT / "faces_click_float32.json").read_text())).evaluation
    row = evaluation.row("base-single")
    assert row.n == 1989 and row.miou.value > 0 and str(row.boundary_iou) == str(UNKNOWN)
    assert (evaluation.images, evaluation.boundary, evaluation.gains, row.boundary_f1) == (None, None, (), {})
    assert str(evaluation.gain_over("base-single")) == str(Gain("base-single"))


@pytest.mark.parametrize("content", [{}, {"task": "x", "rows": [{}]}, {"task": "x", "rows": 3}, [], "text", None])
def test_other_json_is_refused(content: Any) -> None:
    with pytest.raises(DataError, match=r"not the JSON of an evaluation.*evaluate --json"):
        read_results(content)


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(DataError, match=r"format 2.*up to 1.*Update"):
        read_results({"format": 2, "task": "x"})


def test_only_results_are_written() -> None:
    with pytest.raises(TypeError, match="int"):
        to_json(3)
