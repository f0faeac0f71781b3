"""Few instances, one image, classes without instances: what the results say about them."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import pytest

from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import DataError
from samtailor.evaluate import evaluate_task, measure_base
from samtailor.evaluation.choose import drawn_part
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results import Results
from samtailor.evaluation.results_json import file_json, read_results
from samtailor.machine.files import write_json
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.report.content import Report
from samtailor.report.page.verdict import verdict_of
from samtailor.report.page.warnings import warnings_of


def ids(task: Task) -> set[int]:
    return {i.id for r in task.split("test") for i in r.instances}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_instances_are_drawn_by_seed_and_id(shapes: Task, seed: int) -> None:
    """A larger number adds to the same instances, and the order of images does not matter."""
    every = ids(shapes)
    drawn = [ids(drawn_part(shapes, "test", n, seed)) for n in range(1, len(every) + 3)]
    assert [len(d) for d in drawn] == [min(n, len(every)) for n in range(1, len(every) + 3)]
    assert all(a <= b for a, b in pairwise(drawn)) and drawn[-1] == every
    turned = dataclasses.replace(shapes, splits={**shapes.splits, "test": shapes.split("test")[::-1]})
    assert ids(drawn_part(turned, "test", 3, seed)) == drawn[2]
    part = drawn_part(shapes, "test", 3, seed)
    assert all(r.instances for r in part.split("test")) and part.split("train") == shapes.split("train")
    assert drawn_part(shapes, "test", None, seed) is shapes


def test_seeds_draw_different_instances(shapes: Task) -> None:
    assert len({frozenset(ids(drawn_part(shapes, "test", 3, seed))) for seed in range(8)}) > 1


def test_a_quick_look_has_the_scores_of_the_whole(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    whole = evaluate_task(shapes, tiny_sam, cache=cache, keep=tmp_path)
    quick = evaluate_task(shapes, tiny_sam, cache=cache, keep=tmp_path, instances=3)
    every = {i.instance: i for i in whole.instances}
    assert len(quick.instances) == 3
    for score in quick.instances:  # prompts decoded together differ, so the last bits may
        assert score.scores["base-single"].iou == pytest.approx(
            every[score.instance].scores["base-single"].iou, abs=0.01
        )
    assert (whole.summary().drawn, quick.summary().drawn) == (None, 3)
    assert evaluate_task(shapes, tiny_sam, cache=cache, instances=10**6).summary().drawn is None
    for wrong in (0, -1):
        with pytest.raises(DataError, match=f"is {wrong}"):
            evaluate_task(shapes, tiny_sam, cache=cache, instances=wrong)


def test_a_quick_look_encodes_only_what_it_scores(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    measured = measure_base(tiny_sam, shapes, Questions(instances=1, also=(shapes,), sensitivity=5), cache=cache)
    assert len(list(cache.root.rglob("*.safetensors"))) == 1
    assert measured.results.evaluation.drawn == 1 == measured.results.also[0].evaluation.drawn
    assert measured.results.sensitivity is not None and measured.results.sensitivity.instances == 1
    text = " ".join(w.what for w in warnings_of(Report(measured.results)))
    assert "A quick look: 1 instance was drawn from the test split." in text


def test_one_image_has_no_interval(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    """An interval of width 0 would say that the figure is certain."""
    one = dataclasses.replace(shapes, splits={"test": shapes.split("test")[:1]})
    measured = measure_base(tiny_sam, one, Questions(sensitivity=None), cache=cache)
    summary = measured.results.evaluation
    for row in summary.rows:
        assert row.iou_instances.interval is None and row.miou.interval is None and 0 <= row.iou_instances.value <= 1
    sensitivity = measured.results.sensitivity
    assert sensitivity is not None and sensitivity.clicks is not None
    assert sensitivity.rows["base-single"].groups["all"].p10.interval is None
    write_json(tmp_path / "e.json", file_json(measured.results))
    content = json.loads((tmp_path / "e.json").read_text())
    assert all(row[f"{name}_interval"] is None for row in content["rows"] for name in ("miou", "iou_instances"))
    assert content["sensitivity"]["clicks_to_quality"]["targets"]["0.80"]["base-single"]["interval"] is None
    assert content["rows"][0]["iou_instances"] == summary.rows[0].iou_instances.value
    again = read_results(content).evaluation
    assert again.rows[0].iou_instances.interval is None
    assert any("on one image: 95 % intervals cannot" in w.what for w in warnings_of(Report(Results(again))))
    assert "interval" not in verdict_of(again).rest


def test_one_image_of_many_with_instances_has_no_interval(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    first, *others = shapes.split("test")
    bare = tuple(dataclasses.replace(r, instances=()) for r in others)
    summary = evaluate_task(
        dataclasses.replace(shapes, splits={"test": (first, *bare)}), tiny_sam, cache=cache
    ).summary()
    assert summary.images == 1 and summary.rows[0].boundary_iou.interval is None


def test_equal_values_on_several_images_have_an_interval() -> None:
    assert Estimate.of(Resampler(["a", "b"]).mean([0.5, 0.5])).interval == (0.5, 0.5)
    assert Estimate.of(Resampler(["a", "a"]).mean([0.5, 0.7])).interval is None


def test_a_class_without_instances_is_named(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    discs = tuple(
        dataclasses.replace(r, instances=tuple(i for i in r.instances if i.label == "disc"))
        for r in shapes.split("test")
    )
    task = dataclasses.replace(shapes, classes=(*shapes.classes, "hat"), splits={"test": discs})
    results = measure_base(tiny_sam, task, cache=cache).results
    assert results.evaluation.unscored == ("bar", "hat")
    assert list(results.evaluation.rows[0].per_class) == ["disc"]
    write_json(tmp_path / "e.json", file_json(results))
    text = (tmp_path / "e.json").read_text()
    assert json.loads(text)["classes_without_instances"] == ["bar", "hat"] and "NaN" not in text
    warning = next(w for w in warnings_of(Report(read_results(json.loads(text)))) if "bar" in w.what)
    assert warning.what == "No test instance was scored of bar and hat: nothing is known about these classes."
    assert evaluate_task(shapes, tiny_sam, cache=cache).summary().unscored == ()
