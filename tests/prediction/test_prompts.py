"""Masks for prompts that need repair, on a tiny real SAM."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor import Predictor
from samtailor.adapters.io import load_adapter, save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import PromptWarning


@pytest.fixture
def predictor(tiny_sam: Base, moved_plm: PLM, cache: EmbeddingCache, shapes: Task) -> Predictor:
    predictor = Predictor(tiny_sam, moved_plm, cache)
    predictor.set_image(shapes.split("test")[0].path)
    return predictor


@pytest.mark.parametrize("prompt", [{"boxes": []}, {"boxes": torch.zeros(0, 4)}, {"points": np.zeros((0, 1, 2))}])
@pytest.mark.parametrize("multimask", [False, True])
@pytest.mark.parametrize("adapted", [False, True])
def test_without_prompts_there_are_no_masks(predictor: Predictor, prompt: dict, multimask: bool, adapted: bool) -> None:
    nothing = predictor.predict(**prompt, multimask=multimask, adapted=adapted)
    one = predictor.predict(points=[[9, 9]], multimask=multimask, adapted=adapted)
    for name in ("masks", "iou", "logits"):
        empty, full = getattr(nothing, name), getattr(one, name)
        assert (empty.shape, empty.dtype) == ((0, *full.shape[1:]), full.dtype)


def test_a_prompt_gets_the_same_mask_beside_prompts_with_more_points(predictor: Predictor) -> None:
    prompts = [
        ([[10, 20], [40, 30]], [1, 0]),
        ([[50, 5]], [1]),
        ([[30, 40], [5, 5], [60, 40]], [1, 1, 0]),
        ([[1, 1]], [1]),
    ]
    for multimask in (False, True):
        points, labels = zip(*prompts, strict=True)
        together = predictor.predict(points=list(points), labels=list(labels), multimask=multimask)
        padded = np.array([[*p, *[[0, 0]] * (3 - len(p))] for p in points], dtype=float)
        padded_labels = np.array([[*row, *[-1] * (3 - len(row))] for row in labels])
        by_hand = predictor.predict(points=padded, labels=padded_labels, multimask=multimask)
        np.testing.assert_array_equal(together.logits, by_hand.logits)
        for i, (p, row) in enumerate(prompts):
            alone = predictor.predict(points=p, labels=row, multimask=multimask)
            np.testing.assert_allclose(together.logits[i], alone.logits[0], atol=1e-4)
            np.testing.assert_allclose(together.iou[i], alone.iou[0], atol=1e-5)
            assert (together.masks[i] != alone.masks[0]).mean() < 1e-3


def test_prompts_with_and_without_points_keep_their_boxes_and_masks(predictor: Predictor) -> None:
    boxes = [[0, 0, 20, 20], [5, 5, 60, 40], [10, 2, 40, 44]]
    logits = predictor.predict(boxes=boxes).logits[:, 0]
    together = predictor.predict([[], [[9, 9]], []], boxes=boxes, mask_input=logits)
    expected = [
        predictor.predict(boxes=boxes[0], mask_input=logits[0]),
        predictor.predict([[9, 9]], boxes=boxes[1], mask_input=logits[1]),
        predictor.predict(boxes=boxes[2], mask_input=logits[2:, None]),
    ]
    for i, alone in enumerate(expected):
        np.testing.assert_allclose(together.logits[i], alone.logits[0], atol=1e-4)


def test_a_box_slightly_outside_gets_the_mask_of_the_clipped_box(predictor: Predictor) -> None:
    expected = predictor.predict(boxes=[0, 0, 64, 30]).logits
    np.testing.assert_array_equal(predictor.predict(boxes=[-0.2, -0.2, 64.2, 30]).logits, expected)
    with pytest.warns(PromptWarning, match="clipped"):
        np.testing.assert_array_equal(predictor.predict(boxes=[-1, 0, 65, 30]).logits, expected)


def test_tensors_with_gradients_get_the_masks_of_lists(predictor: Predictor) -> None:
    expected = predictor.predict(points=[[10, 20]], boxes=[0, 0, 20, 40]).logits
    points = torch.tensor([[10.0, 20]], requires_grad=True)
    boxes = torch.tensor([0, 0, 20, 40], dtype=torch.bfloat16)
    np.testing.assert_array_equal(predictor.predict(points=points, boxes=boxes).logits, expected)


def test_an_adapter_warns_of_prompts_that_it_was_not_fitted_on(
    tiny_sam: Base, moved_plm: PLM, cache: EmbeddingCache, shapes: Task, tmp_path: Path
) -> None:
    save_adapter(tmp_path, moved_plm, tiny_sam, {"fit": {"settings": {"prompts": "click"}}})
    assert load_adapter(tmp_path, tiny_sam).fitted_on == "click"
    predictor = Predictor(tiny_sam, tmp_path, cache)
    predictor.set_image(shapes.split("test")[0].path)
    with pytest.warns(PromptWarning, match="fitted on clicks, not on boxes") as caught:
        predictor.predict(boxes=[0, 0, 20, 20])
    assert len(caught) == 1 and caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor.predict(points=[[9, 9]])
        predictor.predict(boxes=[])
        predictor.predict(boxes=[0, 0, 20, 20], adapted=False)


def test_a_card_without_a_fit_gives_no_warning(tiny_sam: Base, moved_plm: PLM, tmp_path: Path) -> None:
    for facts in ({}, {"fit": None}, {"fit": {"settings": {"prompts": 3}}}):
        save_adapter(tmp_path, moved_plm, tiny_sam, facts)
        assert load_adapter(tmp_path, tiny_sam).fitted_on is None
