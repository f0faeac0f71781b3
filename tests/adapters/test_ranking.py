"""The mask that an adapter was trained for wins: users take ``masks[scores.argmax()]``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor.adapters.answer import AdaptedModel, Answer
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, load_adapter, save_adapter
from samtailor.adapters.methods import METHODS
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError
from samtailor.evaluate import evaluate_task
from samtailor.fit import fit_task
from samtailor.fitting.batches import validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.mask_scores import measure_mask_scores
from samtailor.machine.progress import Event, Note
from samtailor.metrics import count_pixels, iou
from samtailor.predict import Predictor
from samtailor.prediction.jobs import Job, PromptRow
from samtailor.prompts import Prompts
from samtailor.report.predictions import Outputs, write_predictions
from tests.adapters.test_methods import changed_adapter
from tests.models import model_of

CLICKS = np.random.default_rng(0).uniform(4, 44, (30, 1, 2)).astype(np.float32)
PROMPTS = Prompts(points=CLICKS, labels=np.ones((30, 1), dtype=np.int64))
SHORT = FitConfig(epochs=4, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)


def opened(base: Base) -> EmbeddedImage:
    image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return EmbeddedImage(base.frame(64, 48), base.encode([image]))


def answers(base: Base, adapter: Adapter | None, masks: str) -> list[Answer]:
    return list(model_of(base, adapter).answer(opened(base), PROMPTS, masks))  # type: ignore[arg-type]


def column(parts: list[Answer], name: str) -> np.ndarray:
    return np.concatenate([getattr(part, name) for part in parts])


def masks_of(parts: list[Answer]) -> np.ndarray:
    """All masks at the size of the image, (N, M, H, W) bool."""
    rows = [(part, row) for part in parts for row in range(len(part.iou))]
    return np.array([[part.mask(row, j) for j in range(part.iou.shape[1])] for part, row in rows])


@pytest.mark.parametrize("token", [0, 2])
@pytest.mark.parametrize("method", METHODS)
def test_the_best_score_is_that_of_the_trained_mask(tiny_sam: Base, method: str, token: int) -> None:
    adapter = changed_adapter(method, tiny_sam)
    adapter.use_token(token)
    several, single = answers(tiny_sam, adapter, "multi"), answers(tiny_sam, adapter, "single")
    scores = column(several, "iou")
    assert scores.shape == (30, 3 if token else 4), "the trained mask and the alternatives"
    assert several[0].trained == (True, *[False] * (scores.shape[1] - 1)) and single[0].trained == (True,)
    assert (scores.argmax(axis=1) == 0).all() and (scores[:, 1:] < scores[:, :1]).all()
    chosen = masks_of(several)[np.arange(30), scores.argmax(axis=1)]
    assert (chosen == masks_of(single)[:, 0]).mean() > 0.999, "the number of masks changes the last bits"
    np.testing.assert_allclose(scores[:, 0], column(single, "iou")[:, 0], atol=1e-5)
    assert (column(several, "estimates").argmax(axis=1) != 0).any(), "without ranking an untrained mask would win"


def test_the_base_alone_answers_as_before(tiny_sam: Base) -> None:
    parts = answers(tiny_sam, None, "multi")
    decoded = model_of(tiny_sam).decode(opened(tiny_sam), PROMPTS[:4], "multi")
    assert parts[0].trained == (False,) * 3
    assert np.array_equal(parts[0].iou, decoded.iou[0].detach().numpy())
    assert np.array_equal(parts[0].logits, decoded.logits[0].detach().numpy())


@pytest.mark.parametrize("masks", ["all", "multi"])
def test_scores_of_other_masks_are_corrected_and_stay_below(tiny_sam: Base, masks: str) -> None:
    adapter = changed_adapter("plm", tiny_sam)
    adapter.use_token(1)
    raw = column(answers(tiny_sam, adapter, masks), "estimates")
    adapter.score_corrections = (-9.0, -9.0, -9.0, 9.0)
    parts = answers(tiny_sam, adapter, masks)
    own = parts[0].trained.index(True)
    tokens = [0, 1, 2, 3] if masks == "all" else [1, 2, 3]
    assert [own, len(parts[0].trained)] == [tokens.index(1), len(tokens)]
    scores = dict(zip(tokens, column(parts, "iou").T, strict=True))
    estimates = dict(zip(tokens, raw.T, strict=True))
    assert np.array_equal(scores[1], estimates[1]), "the score of the trained mask is the model's own"
    np.testing.assert_allclose(scores[2], estimates[2] - 9, atol=1e-5)
    assert np.array_equal(scores[3], np.nextafter(scores[1], np.float32(-np.inf)))


def test_an_adapter_of_an_earlier_version_wins_too(tiny_sam: Base, tmp_path: Path) -> None:
    """Its card has no mask scores; a card may say something else, which is refused."""
    save_adapter(tmp_path, changed_adapter("decoder-lite", tiny_sam), tiny_sam, {})
    adapter = load_adapter(tmp_path, tiny_sam)
    assert (adapter.score_corrections, adapter.leaves_base) == ((), False)
    assert (column(answers(tiny_sam, adapter, "multi"), "iou").argmax(axis=1) == 0).all()
    card = json.loads((tmp_path / "adapter.json").read_text())
    good = {"prompts": 8, "iou": [0.5, 0.6, 0.7, 0.8], "estimate": [0.9] * 4}
    (tmp_path / "adapter.json").write_text(json.dumps(card | {"mask_scores": good}))
    assert load_adapter(tmp_path, tiny_sam).score_corrections == (-0.4, -0.3, -0.2, -0.1)
    for bad in ({}, [], "x", 3, good | {"iou": [0.5] * 3}, good | {"iou": [0.5, "x", 1, 1]}, good | {"estimate": None}):
        (tmp_path / "adapter.json").write_text(json.dumps(card | {"mask_scores": bad}))
        with pytest.raises(AdapterError, match="mask_scores"):
            load_adapter(tmp_path, tiny_sam)


def test_an_adapter_that_leaves_the_base_answers_as_the_base(tiny_sam: Base, tmp_path: Path) -> None:
    save_adapter(tmp_path, build_adapter("plm", tiny_sam), tiny_sam, {"validation": {"beats_base": False}})
    adapter = load_adapter(tmp_path, tiny_sam)
    ours, plain = (answers(tiny_sam, each, "multi") for each in (adapter, None))
    assert np.array_equal(column(ours, "iou"), column(plain, "iou")) and not any(ours[0].trained)


@pytest.mark.parametrize("method", METHODS)
def test_an_evaluation_shows_that_the_trained_mask_wins(
    method: str, tiny_sam: Base, shapes: Task, cache: EmbeddingCache
) -> None:
    """``adapted-best`` scores what a user gets who takes the best score; the untrained masks have other scores."""
    scored = evaluate_task(shapes, tiny_sam, changed_adapter(method, tiny_sam), cache=cache)
    assert all(i.scores["adapted-best"] == i.scores["adapted"] for i in scored.instances)
    rows = {row.name: row.iou_instances.value for row in scored.rows()}
    assert rows["adapted-best"] == rows["adapted"] != rows["base-best"]


@pytest.mark.parametrize("method", ["decoder-lite", "lora"])
def test_after_a_fit_the_best_score_gives_the_trained_quality(
    method: str, tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    config = dataclasses.replace(SHORT, method=method)
    result = fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache)
    assert result.beats_base
    for adapter in (result.adapter, load_adapter(tmp_path / "run", tiny_sam)):
        scored = evaluate_task(shapes, tiny_sam, adapter, cache=cache)
        assert all(i.scores["adapted-best"] == i.scores["adapted"] for i in scored.instances)
    card = json.loads((tmp_path / "run" / "adapter.json").read_text())
    corrections = np.subtract(card["mask_scores"]["iou"], card["mask_scores"]["estimate"])
    assert card["mask_scores"]["prompts"] >= 8
    np.testing.assert_allclose(result.adapter.score_corrections, corrections, atol=1e-6)


def test_mask_scores_are_the_mean_iou_and_the_mean_estimate(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache
) -> None:
    model = AdaptedModel.of(tiny_sam, changed_adapter("lora", tiny_sam), cache)
    draws = validation_draws(shapes.split("val"), SHORT)
    measured = measure_mask_scores(model, draws)
    assert measured is not None
    ious, estimates = [], []
    for draw in draws:
        with torch.inference_mode():
            image = model.open(draw.image)
            decoded = model.decode(image, draw.prompts, "all")
            masks = (image.frame.logits_to_image(decoded.logits[0]) > 0).numpy()
        estimates += decoded.iou[0].tolist()
        ious += [[iou(count_pixels(m, i.mask())) for m in own] for own, i in zip(masks, draw.instances, strict=True)]
    np.testing.assert_allclose(measured["iou"], np.mean(ious, axis=0), atol=1e-3)
    np.testing.assert_allclose(measured["estimate"], np.mean(estimates, axis=0), atol=1e-4)
    assert measured["prompts"] == len(ious)


def test_files_and_overlay_show_the_trained_mask(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    path = shapes.split("test")[0].path
    adapted = Predictor(tiny_sam, changed_adapter("plm", tiny_sam), cache)
    notes: list[Event] = []
    for stem, predictor in (("a", adapted), ("b", Predictor(tiny_sam, cache=cache))):
        job = Job(path, path.name, stem, (PromptRow(points=((20.0, 20.0),), labels=(1,)),))
        write_predictions(predictor, [job], Outputs(tmp_path), multimask=True, progress=notes.append)
    written = [Path(e.text.split("  (")[0]).name for e in notes if isinstance(e, Note)]
    assert written == [
        "a_mask_0_0_trained.png", "a_mask_0_1.png", "a_mask_0_2.png", "a_mask_0_3.png", "a_overlay.png",
        "b_mask_0_0.png", "b_mask_0_1.png", "b_mask_0_2.png", "b_overlay.png",
    ]  # fmt: skip
    assert "the adapter's own mask, " in next(e.text for e in notes if isinstance(e, Note))
    own = np.asarray(Image.open(tmp_path / "a_mask_0_0_trained.png")) > 0
    single = adapted.predict(points=[[20, 20]], image=path)
    assert (own == single.masks[0, 0]).mean() > 0.999
