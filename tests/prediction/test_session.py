"""Sessions: click by click, with the mask before each click."""

from __future__ import annotations

import numpy as np
import pytest

from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import PromptError
from samtailor.predict import Predictor


@pytest.fixture
def predictor(tiny_sam: Base, cache: EmbeddingCache, shapes: Task) -> Predictor:
    made = Predictor(tiny_sam, cache=cache)
    made.set_image(shapes.split("test")[0].path)
    return made


def test_a_session_gives_what_predict_gives_with_the_logits_before(predictor: Predictor) -> None:
    session = predictor.session()
    first = session.click(20, 30)
    alone = predictor.predict(points=[[20, 30]])
    assert np.array_equal(first.logits, alone.logits)
    second = session.click(40, 10, label=0)
    by_hand = predictor.predict(points=[[20, 30], [40, 10]], labels=[1, 0], mask_input=alone.logits[:, 0])
    assert np.array_equal(second.logits, by_hand.logits)
    without = predictor.session(with_mask=False)
    without.click(20, 30)
    plain = predictor.predict(points=[[20, 30], [40, 10]], labels=[1, 0])
    assert np.array_equal(without.click(40, 10, label=0).logits, plain.logits)
    assert not np.array_equal(plain.logits, second.logits)


def test_a_box_stays_when_clicks_follow(predictor: Predictor) -> None:
    session = predictor.session(with_mask=False)
    session.box(5, 5, 50, 45)
    after = session.click(20, 30)
    expected = predictor.predict(points=[[20, 30]], boxes=[[5, 5, 50, 45]])
    assert np.array_equal(after.logits, expected.logits)


def test_clicks_can_be_taken_back(predictor: Predictor) -> None:
    session = predictor.session()
    first = session.click(20, 30)
    session.click(40, 10, label=0)
    assert session.undo() is first and session.prediction is first
    again = session.click(40, 10, label=0)
    assert again.masks.shape == first.masks.shape
    session.clear()
    assert session.prediction is None and np.array_equal(session.click(20, 30).logits, first.logits)
    assert session.undo() is None
    with pytest.raises(PromptError, match="no click to take back"):
        session.undo()


def test_a_click_that_cannot_be_used_changes_nothing(predictor: Predictor) -> None:
    session = predictor.session()
    first = session.click(20, 30)
    with pytest.raises(PromptError, match="outside the image"):
        session.click(2000, 30)
    with pytest.raises(PromptError, match="label is 2"):
        session.click(20, 30, label=2)
    assert session.prediction is first and "1 clicks" in repr(session)


def test_each_session_keeps_its_own_image(predictor: Predictor, shapes: Task) -> None:
    one = predictor.session()
    other = predictor.session(shapes.split("test")[1].path)
    mask = one.click(20, 30)
    other.click(20, 30)
    predictor.set_image(shapes.split("test")[2].path)
    assert np.array_equal(one.undo() or mask.logits, mask.logits)
    assert np.array_equal(one.click(20, 30).logits, mask.logits)
    assert not np.array_equal(other.prediction.logits, mask.logits)


def test_masks_go_back_only_into_models_that_know_them(tiny_sam: Base, cache: EmbeddingCache, shapes: Task) -> None:
    from samtailor.adapters.io import build_adapter

    adapter = build_adapter("plm", tiny_sam, 0)
    image = shapes.split("test")[0].path
    for fitted_on, expected in (("click", False), ("interactive", True)):
        adapter.fitted_on = fitted_on
        predictor = Predictor(tiny_sam, adapter, cache)
        assert predictor.session(image).with_mask is expected
        assert predictor.session(image, adapted=False).with_mask is True
