"""Scores with words as prompts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest

from samtailor import Predictor, measure_run, report_run
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import save_adapter
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.data.unions import class_unions
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import PromptError
from samtailor.evaluate import evaluate_task
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.evaluation.questions import Questions
from samtailor.machine.progress import Note
from samtailor.metrics import count_pixels, iou
from samtailor.runs import Run
from tests.models import fitted_words

WORDS = ("disc", "bar")


@pytest.fixture
def adapter(tiny_sam: Base) -> Adapter:
    return fitted_words(tiny_sam, WORDS)


@pytest.fixture
def pairs(shapes: Task) -> Task:
    """``shapes`` with a second disc, half as high as the first and beside it, in each test image."""

    def with_pair(record: Any) -> Any:
        first = record.instances[0]
        mask = np.roll(first.mask(), 10, axis=1)
        mask[: mask.any(1).argmax() + 9] = False
        from samtailor.data.pixels.rle import mask_rle

        second = dataclasses.replace(first, id=first.id + 1000, rle=mask_rle(mask), area=int(mask.sum()))
        return dataclasses.replace(record, instances=(*record.instances, second))

    return dataclasses.replace(shapes, splits={**shapes.splits, "test": tuple(map(with_pair, shapes.split("test")))})


def test_a_word_alone_is_scored_by_image_and_class(
    tiny_sam: Base, pairs: Task, cache: EmbeddingCache, adapter: Adapter
) -> None:
    """The truth is the union of the class; there is no row of the base, which reads no words."""
    result = evaluate_task(pairs, tiny_sam, adapter, cache=cache, prompts="word")
    assert Counter(score.label for score in result.instances) == {"disc": 4, "bar": 4}
    assert [row.name for row in result.rows()] == ["adapted", "adapted-best"] and result.summary().gains == ()
    predictor = Predictor(tiny_sam, adapter, cache)
    for record in pairs.split("test"):
        for union in class_unions(record).values():
            score = next(s for s in result.instances if s.instance == union.id)
            mask = predictor.predict(words=union.label, image=record.path).masks[0, 0]
            assert score.area == union.area == union.mask().sum()
            assert score.scores["adapted"].iou == pytest.approx(iou(count_pixels(mask, union.mask())))
    drawn = evaluate_task(pairs, tiny_sam, adapter, cache=cache, prompts="word", instances=5)
    whole = {(s.image, s.instance): s.scores for s in result.instances}
    assert len(drawn.instances) == drawn.drawn == 5
    assert all(whole[s.image, s.instance] == s.scores for s in drawn.instances), "a quick look has whole unions"


def test_a_word_beside_a_click_is_scored_by_instance(
    tiny_sam: Base, pairs: Task, cache: EmbeddingCache, adapter: Adapter
) -> None:
    """The click is that of ``click``, so the base, which gets the click alone, has the same scores."""
    click, beside, wrong = (
        evaluate_task(pairs, tiny_sam, adapter, cache=cache, prompts=kind)  # type: ignore[arg-type]
        for kind in ("click", "word+click", "wrong word+click")
    )
    assert [s.instance for s in beside.instances] == [i.id for r in pairs.split("test") for i in r.promptable]
    for a, b, c in zip(click.instances, beside.instances, wrong.instances, strict=True):
        assert a.scores["base-single"] == b.scores["base-single"] == c.scores["base-single"]
    adapted = [[s.scores["adapted"].iou for s in each.instances] for each in (click, beside, wrong)]
    assert adapted[0] != adapted[1] != adapted[2] != adapted[0]


def test_a_wrong_word_is_one_that_the_adapter_knows(shapes: Task) -> None:
    instances = shapes.split("test")[0].promptable
    plan = PromptPlan("wrong word+click", 0, vocabulary=("Disc", "bar", "ring"))
    words = {label: set() for label in WORDS}  # type: ignore[var-annotated]
    for repeat in range(20):
        [(rows, prompts)] = fixed_prompts(instances, dataclasses.replace(plan, repeat=repeat))
        [(_, plain)] = fixed_prompts(instances, PromptPlan("click", 0, repeat))
        assert np.array_equal(prompts.points, plain.points)  # type: ignore[arg-type]
        [(_, alone)] = fixed_prompts(instances[1:], dataclasses.replace(plan, repeat=repeat))
        assert prompts.words is not None and alone.words == prompts.words[1:], "it does not depend on other instances"
        for row, word in zip(rows, prompts.words, strict=True):
            words[instances[row].label].add(word)
    assert words == {"disc": {"bar", "ring"}, "bar": {"Disc", "ring"}}


def test_models_and_questions_that_words_do_not_fit_are_refused(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, adapter: Adapter, moved_plm: Adapter
) -> None:
    for kind in ("word", "word+click", "wrong word+click"):
        for other, what in ((None, "base alone"), (moved_plm, "'plm'")):
            with pytest.raises(PromptError, match=what):
                evaluate_task(shapes, tiny_sam, other, cache=cache, prompts=kind)  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="two or more"):
        evaluate_task(shapes, tiny_sam, fitted_words(tiny_sam, ("disc",)), cache=cache, prompts="wrong word+click")


def test_a_run_is_measured_and_reported_with_words(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, adapter: Adapter, tmp_path: Any
) -> None:
    """Classes that the adapter was not fitted with are named. A report needs the base beside the adapter."""
    run = Run(tmp_path / "run")
    save_adapter(run.folder, fitted_words(tiny_sam, ("disc",)), tiny_sam, {"task": {"name": shapes.name}})
    run.write_source(shapes, "tiny", "samtailor fit TASK --resume")
    notes: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    options: dict[str, Any] = {"base": tiny_sam, "cache": cache}
    other = dataclasses.replace(shapes, name="other")
    measured = measure_run(run.folder, questions=Questions(prompts="word", also=(other,)), progress=listen, **options)
    assert measured.results.also[0].evaluation.row("adapted").n == 8
    assert any("not fitted with the words 'bar'" in note for note in notes)
    with pytest.raises(PromptError, match="class map"):
        measure_run(run.folder, questions=Questions(prompts="word", class_map=("thing=disc+bar",)), **options)
    with pytest.raises(PromptError, match="A report compares with the base"):
        report_run(run.folder, shapes, Questions(prompts="word"), **options)
    page = report_run(run.folder, shapes, Questions(prompts="word+click"), click_maps=1, **options)
    assert "word+click" in page.read_text()
