"""Class maps, kept results, and paired gains."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.task import Instance, Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import DataError
from samtailor.evaluate import evaluate_task
from samtailor.evaluation import scoring
from samtailor.evaluation.classmap import apply_map, parse_map, pieces
from samtailor.evaluation.journal import Journal
from samtailor.metrics.bootstrap import Estimate


def two_squares(gap: int = 4) -> np.ndarray:
    mask = np.zeros((48, 64), dtype=bool)
    mask[10:20, 5:15] = mask[10:20, 15 + gap : 27 + gap] = True
    mask[40, 60] = True  # a speck
    return mask


def instance(mask: np.ndarray, label: str = "eyes", number: int = 3, parts: int = 1) -> Instance:
    return Instance(number, label, mask_rle(mask), int(mask.sum()), parts=parts)


def test_a_map_is_read() -> None:
    assert parse_map(["eyes=left_eye + right_eye", "nose=nose"]) == {
        "eyes": ("left_eye", "right_eye"),
        "nose": ("nose",),
    }
    for wrong in ("eyes", "=a", "eyes=", "eyes=a+"):
        with pytest.raises(DataError, match="cannot be read"):
            parse_map([wrong])
    with pytest.raises(DataError, match="twice"):
        parse_map(["a=b", "a=c"])


def test_pieces_are_the_largest_components() -> None:
    whole = instance(two_squares())
    assert pieces(whole) == (whole,)
    both = pieces(dataclasses.replace(whole, parts=2))
    assert [p.area for p in both] == [120, 100]
    assert (both[0].mask() | both[1].mask()).sum() == 220
    assert len({p.id for p in both}) == 2
    assert len(pieces(dataclasses.replace(whole, parts=5))) == 2  # specks are not prompted


def test_three_clicks_are_one_prompt_that_begins_with_the_single_click(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM
) -> None:
    from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts

    instances = shapes.split("test")[0].promptable
    ((rows, one),) = fixed_prompts(instances, PromptPlan("click", 4))
    ((same, three),) = fixed_prompts(instances, PromptPlan("3 clicks", 4))
    assert rows == same == list(range(len(instances)))
    assert one.points is not None and three.points is not None and three.labels is not None
    assert three.points.shape == (len(instances), 3, 2)
    assert (three.labels == 1).all()
    assert np.array_equal(three.points[:, :1], one.points)
    for instance, points in zip(instances, three.points, strict=True):
        columns, lines = points.astype(int).T
        assert instance.mask()[lines, columns].all()
    scored = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, prompts="3 clicks")
    single = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache)
    assert scored.prompts.kind == "3 clicks"
    assert [i.instance for i in scored.instances] == [i.instance for i in single.instances]
    assert [i.scores for i in scored.instances] != [i.scores for i in single.instances]


def test_a_coarse_class_is_answered_piece_by_piece(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    """The union of one answer per piece is scored against the whole: equal to doing so by hand."""
    from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
    from samtailor.metrics import count_pixels, iou
    from samtailor.predict import Predictor

    record = dataclasses.replace(shapes.split("test")[0], instances=(instance(two_squares()),))
    task = dataclasses.replace(shapes, classes=("eyes",), splits={"test": (record,)})
    mapped = apply_map(task, parse_map(["eyes=left_eye+right_eye"]))
    (found,) = evaluate_task(mapped, tiny_sam, cache=cache).instances
    both = pieces(mapped.split("test")[0].instances[0])
    ((_, prompts),) = fixed_prompts(both, PromptPlan("click", 0))
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(record.path)
    masks = predictor.predict(points=prompts.points, labels=prompts.labels).masks[:, 0]
    assert found.scores["base-single"].iou == iou(count_pixels(masks[0] | masks[1], two_squares()))


def test_fine_classes_become_one(shapes: Task) -> None:
    mapped = apply_map(shapes, parse_map(["thing=disc+bar"]))
    assert mapped.classes == ("thing",)
    for old, new in zip(shapes.split("test"), mapped.split("test"), strict=True):
        (thing,) = new.instances
        assert (thing.mask() == np.any([i.mask() for i in old.instances], axis=0)).all()
        assert thing.area == sum(i.area for i in old.instances)
    with pytest.raises(DataError, match="'wheel'"):
        apply_map(shapes, parse_map(["car=disc+wheel"]))


def test_a_killed_evaluation_goes_on(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache)
    seen: list[str] = []
    real = scoring.score_image

    def stumbling(model, record, *rest):  # type: ignore[no-untyped-def]
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(record.path.name)
        return real(model, record, *rest)

    monkeypatch.setattr("samtailor.evaluation.split_scores.score_image", stumbling)
    with pytest.raises(KeyboardInterrupt):
        evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, keep=tmp_path / "kept")
    (journal,) = (tmp_path / "kept").glob("evaluation-*.jsonl")
    journal.write_text(journal.read_text() + '{"unit": "2", "ro')  # the line that the kill cut
    monkeypatch.setattr("samtailor.evaluation.split_scores.score_image", real)
    again = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, keep=tmp_path / "kept")
    assert again.instances == whole.instances
    other = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, keep=tmp_path / "kept", seed=1)
    assert other.instances != whole.instances  # other settings, another file


def test_without_rows_of_the_base_the_adapters_are_the_same(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM, tmp_path: Path
) -> None:
    whole = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, keep=tmp_path)
    alone = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, keep=tmp_path, base_rows=False)
    assert [list(i.scores) for i in alone.instances] == [["adapted", "adapted-best"]] * len(
        whole.instances
    )  # not from whole's journal
    assert [i.scores["adapted"] for i in alone.instances] == [i.scores["adapted"] for i in whole.instances]
    assert alone.rows() == whole.rows()[3:]
    assert alone.summary().gains == ()
    base = evaluate_task(shapes, tiny_sam, cache=cache, base_rows=False)
    assert [row.name for row in base.rows()] == ["base-single", "base-best", "base-oracle"]


def test_a_journal_computes_each_unit_once(tmp_path: Path) -> None:
    for turn in range(2):
        journal = Journal(tmp_path, "study", {"seed": 0})
        assert journal.rows("a", lambda turn=turn: [turn]) == [0]


def test_gains_are_paired(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM) -> None:
    summary = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache).summary()
    assert [gain.over for gain in summary.gains] == ["base-single", "base-best", "base-oracle"]
    for gain in summary.gains:
        for name in ("miou", "iou_instances", "boundary_iou"):
            change = getattr(gain, name)
            adapted, base = (getattr(summary.row(row), name).value for row in ("adapted", gain.over))
            assert change.value == pytest.approx(adapted - base)
            assert change.low - 1e-9 <= change.value <= change.high + 1e-9
    same = evaluate_task(shapes, tiny_sam, PLM(width=tiny_sam.embed_dim).eval(), cache=cache).summary()
    gain = same.gain_over("base-single")
    assert gain.iou_instances == Estimate(0, 0, 0)
    assert gain.better == gain.worse == 0


def test_a_mask_of_specks_still_gets_a_prompt(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    specks = np.zeros((48, 64), dtype=bool)
    specks[2:46:4, 2:60:4] = True
    (piece,) = pieces(dataclasses.replace(instance(specks), parts=2))
    assert piece.area == 1
    record = dataclasses.replace(shapes.split("test")[0], instances=(instance(specks),))
    task = dataclasses.replace(shapes, classes=("eyes",), splits={"test": (record,)})
    assert len(evaluate_task(apply_map(task, {"eyes": ("a", "b")}), tiny_sam, cache=cache).rows()) == 3


def test_an_instance_may_go_into_two_classes(shapes: Task) -> None:
    mapped = apply_map(shapes, parse_map(["disc=disc", "thing=disc+bar", "both=disc+bar"]))
    ids = [i.id for i in mapped.split("test")[0].instances]
    assert len(ids) == len(set(ids)) == 3


def test_kept_scores_are_of_one_way_to_compute(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    from samtailor.evaluation.journal import identity

    other = EmbeddingCache(tmp_path / "other", dtype="float32")
    found = [identity(AdaptedModel.of(tiny_sam, None, c), shapes, "test") for c in (cache, other)]
    tiny_sam.reference_decoder = True
    try:
        found.append(identity(AdaptedModel.of(tiny_sam, None, cache), shapes, "test"))
    finally:
        tiny_sam.reference_decoder = False
    assert found[0] != found[1] and found[0] != found[2]


def test_images_of_one_name_stay_apart(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    import shutil

    records = []
    for k, record in enumerate(shapes.split("test")[:2]):
        path = tmp_path / f"cam{k}" / "0001.png"
        path.parent.mkdir()
        shutil.copy(record.path, path)
        records.append(dataclasses.replace(record, path=path))
    task = dataclasses.replace(shapes, root=tmp_path, splits={"test": tuple(records)})
    found = evaluate_task(task, tiny_sam, cache=cache)
    assert found.summary().images == 2
    assert {i.image for i in found.instances} == {"cam0/0001.png", "cam1/0001.png"}
