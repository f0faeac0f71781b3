"""Words in the prompts of training and validation."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pytest

from samtailor.data.task import Task
from samtailor.data.unions import class_unions
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fitting.batches import Draw, Sampler, validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.words import WordPlan


def config(**options: Any) -> FitConfig:
    return FitConfig(method="words", steps=1, batch=4, min_area=1, val_prompts=18, method_options=options)


def kind_of(draw: Draw) -> str:
    if not draw.prompts.have_words:
        return "plain"
    return "beside" if draw.prompts.have_places else "alone"


@pytest.mark.parametrize("prompts", ["click", "box", "mix"])
def test_a_third_of_the_prompts_each(shapes: Task, prompts: Any) -> None:
    """Words alone, words beside prompts, and plain prompts, in training and in validation."""
    settings = dataclasses.replace(config(), prompts=prompts)
    sampler = Sampler(shapes.split("train"), settings)
    for draws in (
        [draw for step in range(30) for draw in sampler.batch(step)],
        validation_draws(shapes.split("val"), settings),
    ):
        counts = Counter(kind_of(draw) for draw in draws for _ in draw.instances)
        assert counts.keys() == {"alone", "beside", "plain"} and max(counts.values()) - min(counts.values()) <= 4


def test_the_truth_of_a_word_alone_is_the_union(shapes: Task) -> None:
    """A word beside a click has the clicked instance as its truth, and so has a plain click."""
    record = shapes.split("train")[0]
    half = dataclasses.replace(record.instances[0], id=99)
    image = dataclasses.replace(record, instances=(*record.instances, half))
    plain = Sampler([image], dataclasses.replace(config(), method="plm")).batch(0)[0]
    plan = WordPlan()
    for turn, kind in enumerate(["alone", "beside", "plain"]):
        instances, prompts = plan.applied(turn, image, plain.instances, plain.prompts)
        draw = Draw(image, instances, prompts)
        assert kind_of(draw) == kind and len(instances) == len(prompts) == len(plain.instances)
        if kind == "alone":
            unions = class_unions(image)
            assert all(np.array_equal(i.mask(), unions[i.label].mask()) for i in instances)
        else:
            assert instances == plain.instances and np.array_equal(prompts.points, plain.prompts.points)  # type: ignore[arg-type]
        assert prompts.words == (None if kind == "plain" else tuple(i.label for i in instances))


def test_words_of_a_class_that_is_left_out_are_never_given(shapes: Task) -> None:
    """Its instances are still prompted with clicks."""
    sampler = Sampler(shapes.split("train"), config(leave_out="Disc"))
    draws = [draw for step in range(20) for draw in sampler.batch(step)]
    draws += validation_draws(shapes.split("val"), config(leave_out="Disc"))
    assert {word for draw in draws for word in draw.prompts.words or ()} == {"", "bar"}
    assert {i.label for draw in draws for i in draw.instances} == {"disc", "bar"}
    both, _ = WordPlan(frozenset({"disc", "bar"})), None
    plain = draws[2]
    assert both.applied(0, plain.image, plain.instances, plain.prompts) == (plain.instances, plain.prompts)


def test_other_methods_have_the_same_draws_as_before(shapes: Task) -> None:
    assert WordPlan.of(dataclasses.replace(config(), method="plm")) is None
    plain, words = (
        Sampler(shapes.split("train"), dataclasses.replace(config(), method=method)) for method in ("plm", "words")
    )
    for step in range(4):
        for a, b in zip(plain.batch(step), words.batch(step), strict=True):
            assert a.image == b.image and a.seed == b.seed
            assert b.prompts.points is None or np.array_equal(a.prompts.points, b.prompts.points)  # type: ignore[arg-type]
            assert a.prompts.words is None


def test_the_base_is_validated_without_words(tiny_sam: Any, shapes: Task, cache: EmbeddingCache) -> None:
    """An untrained adapter has the base's validation scores, words included; the mask token is chosen on places."""
    from samtailor.adapters.answer import AdaptedModel
    from samtailor.adapters.io import build_adapter
    from samtailor.fitting.tokens import choose_token
    from samtailor.fitting.validate import token_scores, validate

    model = AdaptedModel.of(tiny_sam, build_adapter("words", tiny_sam).eval(), cache)
    draws = validation_draws(shapes.split("val"), config())
    assert validate(model, draws) == validate(model.plain, draws)
    placed = [draw for draw in draws if kind_of(draw) != "alone"]
    assert choose_token(model, draws, config(), None, lambda: None) == token_scores(model, placed)
