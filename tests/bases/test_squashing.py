"""All verbs work with a base that squashes images to a square: nothing above the bases assumes SAM's padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.base import Base
from samtailor.bases.prompts import PromptTensors
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError
from samtailor.evaluate import evaluate_task
from samtailor.evaluation.clickmap import click_map
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.metrics import count_pixels, iou
from samtailor.predict import Predictor
from samtailor.prompts import Prompts, simulate_click
from samtailor.report.comparisons import draw_comparisons
from tests.bases.squashing import SquashingSam

WIDTH, HEIGHT = 96, 48


@pytest.fixture
def squashing(tiny_sam: Base) -> SquashingSam:
    return SquashingSam(tiny_sam)


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A dark image of 96 x 48 pixels with one bright object, and the object's mask."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[12:42, 15:75] = True
    image = np.where(mask[..., None], 230, 20).repeat(3, axis=-1).astype(np.uint8)
    return image, mask


def test_clicks_reach_the_object_in_the_squashed_input(
    squashing: SquashingSam, scene: tuple[np.ndarray, np.ndarray]
) -> None:
    image, mask = scene
    frame = squashing.frame(WIDTH, HEIGHT)
    assert frame.scale == (64 / 96, 64 / 48)
    pixels = squashing.pixels([image])[0, 0]
    bright = pixels > (pixels.max() + pixels.min()) / 2
    rng = np.random.default_rng(0)
    for _ in range(50):
        for truth, on_object in ((mask, True), (~mask, False)):
            click = np.array(simulate_click(truth, rng), np.float32)
            prompts = Prompts(points=click[None, None], labels=np.ones((1, 1), np.int64))
            points = PromptTensors.of(prompts, frame, torch.device("cpu")).points
            assert points is not None
            x, y = points[0, 0, 0].long().tolist()
            assert bool(bright[y, x]) is on_object


def test_low_res_masks_cover_the_squashed_image(squashing: SquashingSam, scene: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = scene
    frame = squashing.frame(WIDTH, HEIGHT)
    low = frame.masks_to_low_res(torch.from_numpy(mask)[None])
    assert frame.valid_low_res().all()
    # The mask of a bright object is the brightness of the input, averaged over low-res pixels.
    pixels = squashing.pixels([image])[:, :1]
    brightness = (pixels - pixels.min()) / (pixels.max() - pixels.min())
    expected = torch.nn.functional.adaptive_avg_pool2d(brightness, low.shape[-2:])[0]
    torch.testing.assert_close(low, expected, rtol=0, atol=0.02)
    restored = (frame.logits_to_image(low[:, None] - 0.5) > 0)[0, 0].numpy()
    assert iou(count_pixels(restored, mask)) > 0.95


@pytest.mark.parametrize("method", ["decoder-lite", "plm+pmm"])
def test_every_verb_works(
    squashing: SquashingSam, shapes: Task, cache: EmbeddingCache, tmp_path: Path, method: str
) -> None:
    config = FitConfig(method=method, steps=6, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)
    fit_task(shapes, squashing, tmp_path / "run", config, cache=cache)
    adapter = load_adapter(tmp_path / "run", squashing)
    evaluation = evaluate_task(shapes, squashing, adapter, cache=cache)

    record = shapes.split("test")[0]
    predictor = Predictor(squashing, tmp_path / "run", cache)
    predictor.set_image(record.path)
    (_, prompts), *_ = fixed_prompts(record.promptable, PromptPlan("click", 0))
    masks = predictor.predict(points=prompts.points, labels=prompts.labels).masks[:, 0]
    assert masks.shape == (len(record.promptable), record.height, record.width)
    scores = [iou(count_pixels(mask, i.mask())) for mask, i in zip(masks, record.promptable, strict=True)]
    assert scores == [row.scores["adapted"].iou for row in evaluation.instances[: len(scores)]]

    model = AdaptedModel.of(squashing, adapter, cache)
    assert click_map(model, record, record.promptable[0], clicks_across=4)
    (picture,) = draw_comparisons(model, shapes, tmp_path / "comparisons", count=1)
    assert Image.open(picture).width > record.width


def test_other_preprocessing_is_another_base(
    squashing: SquashingSam, tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """The parts are shared, but embeddings and adapters of one base are never used with the other."""
    assert squashing.fingerprint != tiny_sam.fingerprint
    fit_task(shapes, squashing, tmp_path / "run", FitConfig(steps=1, batch=4, val_prompts=4), cache=cache)
    with pytest.raises(AdapterError, match=tiny_sam.fingerprint):
        load_adapter(tmp_path / "run", tiny_sam)
    record = shapes.split("test")[0]
    embeddings = [AdaptedModel.of(b, None, cache).open(record).embeddings["image"] for b in (squashing, tiny_sam)]
    assert not torch.equal(*embeddings)
