"""Prompt sensitivity, corrective clicks, click maps, and an adapter turned down."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.plm import PLM
from samtailor.adapters.strength import Scaled
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.clickmap import click_map
from samtailor.evaluation.corrective import LIMIT, ClickRuns, measure_clicks, summarise_clicks
from samtailor.evaluation.forgetting import off_is_the_base, strength_curve
from samtailor.evaluation.sensitivity import PromptScores, measure_sensitivity, summarise_sensitivity
from samtailor.evaluation.study_results import GroupStability
from samtailor.evaluation.variants import GROUPS, VARIANTS, variant_prompts
from samtailor.metrics.bootstrap import Estimate
from samtailor.prompts import deepest_pixel, next_click, simulate_background_click, simulate_boundary_click

masks = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(lambda shape: arrays(bool, shape))


@given(masks, st.integers(0, 5))
def test_simulated_clicks_lie_where_they_should(mask: np.ndarray, seed: int) -> None:
    assume(mask.any())
    rng = np.random.default_rng(seed)
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]

    def at(point: np.ndarray) -> float:
        return float(depth[int(point[1]), int(point[0])])

    point, deepest = deepest_pixel(mask)
    assert at(point) == deepest == depth.max()
    assert 0 < at(simulate_boundary_click(mask, rng)) <= np.quantile(depth[mask], 0.25) + 1e-9
    beside = simulate_background_click(mask, rng)
    assert (beside is None) == bool(mask.all())
    assert beside is None or at(beside) == 0


@given(masks.flatmap(lambda m: st.tuples(st.just(m), arrays(bool, m.shape))))
def test_the_next_click_is_on_the_deepest_error(pair: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, truth = pair
    assume((predicted != truth).any())
    (x, y), label = next_click(predicted, truth)
    assert predicted[int(y), int(x)] != truth[int(y), int(x)]
    assert label == truth[int(y), int(x)]


def test_variants_are_fixed_and_complete(shapes: Task) -> None:
    instances = shapes.split("test")[0].promptable
    lots, again = variant_prompts(instances, 0), variant_prompts(instances[::-1], 0)
    names = [name for lot, _ in lots for row, name in lot if row == 0]
    assert sorted(set(names)) == sorted(VARIANTS)
    assert len(names) == 12 and names.count("random click") == 3 and names.count("boundary click") == 2
    for (lot, prompts), (turned, others) in zip(lots, again, strict=True):
        for k, (row, name) in enumerate(lot):
            if name != "random click" and name != "boundary click":  # those come several times
                twin = turned.index((len(instances) - 1 - row, name))
                one, other = prompts[k : k + 1], others[twin : twin + 1]
                given = one.points if one.points is not None else one.boxes
                assert np.array_equal(given, other.points if other.points is not None else other.boxes)


def test_sensitivity_of_an_untrained_adapter_is_the_bases(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    plm = PLM(width=tiny_sam.embed_dim).eval()
    model = AdaptedModel.of(tiny_sam, plm, cache)
    scores = measure_sensitivity(model, shapes, "test", limit=5, keep=tmp_path)
    assert len(scores) == 5
    assert all(s.ious["adapted"] == s.ious["base-single"] for s in scores)
    for stability in summarise_sensitivity(scores, 0).paired["base-single"].values():
        assert stability == GroupStability(*[Estimate(0, 0, 0)] * 5)
    again = measure_sensitivity(AdaptedModel.of(tiny_sam, plm, cache), shapes, "test", limit=5, keep=tmp_path)
    assert again == scores


def test_the_figures_by_hand() -> None:
    """Two instances, every prompt of a group the same IoU but one."""
    scores = []
    for k, low in enumerate((0.2, 0.7)):
        ious = {v: [0.8] * {"random click": 3, "boundary click": 2}.get(v, 1) for v in VARIANTS}
        ious["boundary click"][0] = low
        scores.append(PromptScores(f"{k}.png", k, "x", {"base-single": ious}))
    group = summarise_sensitivity(scores, 0).rows["base-single"].groups["one click"]
    six = [0.8] * 5
    assert group.mean.value == pytest.approx((np.mean([*six, 0.2]) + np.mean([*six, 0.7])) / 2)
    assert group.spread.value == pytest.approx((np.std([*six, 0.2]) + np.std([*six, 0.7])) / 2)
    assert group.worst.value == pytest.approx(0.45)
    assert group.unstable.value == 0.5
    assert group.p10.value == 0.7  # the second lowest of twelve
    assert set(GROUPS) == {"one click", "box", "several clicks", "all"}


def test_corrective_clicks_run_to_an_end(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM, tmp_path: Path
) -> None:
    runs = measure_clicks(AdaptedModel.of(tiny_sam, moved_plm, cache), shapes, "test", limit=2, keep=tmp_path)
    for run in runs:
        for ious in run.ious.values():
            assert len(ious) == LIMIT or ious[-1] >= 0.9
    assert len(summarise_clicks(runs).curve["adapted"]) == LIMIT


def test_failures_count_as_the_limit() -> None:
    runs = [
        ClickRuns("a", 0, "x", {"base-single": [0.5, 0.82, 0.95]}),
        ClickRuns("b", 1, "x", {"base-single": [0.3] * LIMIT}),
    ]
    clicks = summarise_clicks(runs)
    easy = clicks.targets["0.80"]["base-single"]
    assert (easy.clicks.value, easy.failures, easy.n) == ((2 + LIMIT) / 2, 1, 2)
    assert clicks.curve["base-single"][-1] == pytest.approx((0.95 + 0.3) / 2)


def test_a_click_map_is_what_single_clicks_give(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM
) -> None:
    from samtailor.metrics import count_pixels, iou
    from samtailor.predict import Predictor

    record = shapes.split("test")[0]
    instance = record.promptable[0]
    clicks = click_map(AdaptedModel.of(tiny_sam, moved_plm, cache), record, instance, clicks_across=5)
    assert len(clicks.adapted) == len(clicks.y) and len(clicks.adapted[0]) == len(clicks.x)
    predictor = Predictor(tiny_sam, moved_plm, cache)
    predictor.set_image(record.path)
    for row, column in ((0, 0), (2, 3)):
        point = [[clicks.x[column], clicks.y[row]]]
        mask = predictor.predict(points=point).masks[0, 0]
        assert math.isclose(clicks.adapted[row][column], iou(count_pixels(mask, instance.mask())), abs_tol=0.02)
        assert clicks.inside[row][column] == instance.mask()[int(point[0][1]), int(point[0][0])]


def test_strength(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM) -> None:
    sparse, image = torch.randn(1, 2, 2, tiny_sam.embed_dim), torch.randn(1, tiny_sam.embed_dim, 4, 4)
    positions = tiny_sam.image_positions()[:, :4, :4]
    moved = moved_plm(sparse, {"image": image}, positions)
    kinds = torch.zeros(1, 2, 2, dtype=torch.int64)
    for strength, expected in ((0.0, sparse), (1.0, moved)):
        changes = Scaled(moved_plm, strength, tiny_sam).changes(sparse, {"image": image}, positions, kinds)
        assert torch.equal(changes.sparse, expected)
    curve = strength_curve(AdaptedModel.of(tiny_sam, moved_plm, cache), shapes, "test", limit=4)
    assert [point.strength for point in curve] == [0.0, 0.25, 0.5, 0.75, 1.0]
    from samtailor.evaluate import evaluate_task

    chosen = {i.id for r in some_instances(shapes.split("test"), 4, 0) for i in r.instances}
    scored = [s for s in evaluate_task(shapes, tiny_sam, moved_plm, cache=cache).instances if s.instance in chosen]
    for row, point in (("base-single", curve[0]), ("adapted", curve[-1])):
        assert point.iou_instances == pytest.approx(np.mean([s.scores[row].iou for s in scored]), abs=0.02)


def test_switched_off_the_base_is_itself(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM) -> None:
    import copy

    fresh = copy.deepcopy(tiny_sam)
    model = AdaptedModel.of(tiny_sam, moved_plm, cache)
    assert off_is_the_base(model, shapes, "test", fresh)
    with torch.no_grad():
        next(fresh.mask_decoder.parameters()).add_(1e-3)  # type: ignore[union-attr]
    assert not off_is_the_base(model, shapes, "test", fresh)
