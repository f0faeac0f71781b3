"""Simulated sessions: a first prompt, then corrective clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fitting.batches import Sampler, coverage, validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.fitting.sessions import MOST_CLICKS, Session, continued, draw_session
from samtailor.fitting.validate import validate
from samtailor.frames import Frame
from samtailor.prompts import Prompts, next_click


def test_a_corrective_click_is_on_the_deepest_error() -> None:
    truth, predicted = np.zeros((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    truth[10:20, 10:31] = True
    predicted[10:20, 10:20] = True  # a part of 10 x 11 is missing
    predicted[30:33, 0:40] = True  # a strip of 3 pixels is too much
    point, label = next_click(predicted, truth)  # type: ignore[misc]
    assert label == 1 and truth[int(point[1]), int(point[0])] and point[0] == pytest.approx(25, abs=1.5)
    predicted[10:20, 10:31] = True
    point, label = next_click(predicted, truth)  # type: ignore[misc]
    assert label == 0 and tuple(point)[1] == 31.5  # the middle of the strip
    rng = np.random.default_rng(0)
    clicks = [next_click(predicted, truth, rng) for _ in range(50)]
    rows = {int(click[0][1]) for click in clicks if click}
    assert rows == {30, 31, 32} and {click[1] for click in clicks if click} == {0}
    assert next_click(truth, truth) is None


@pytest.mark.parametrize(("width", "height"), [(512, 512), (640, 480), (30, 90), (4000, 100)])
def test_low_res_points_return_to_their_pixel(width: int, height: int) -> None:
    scale = 1024 / max(width, height)
    frame = Frame(width, height, 1024, 256, (round(width * scale), max(1, round(height * scale))))
    points = torch.tensor([[0.5, 0.5], [width - 0.5, height - 0.5], [width / 3, height / 2]])
    there = frame.points_to_input(points) * (256 / 1024)
    assert torch.allclose(frame.low_res_to_image(there), points, atol=1e-2)
    assert (frame.low_res_to_image(torch.tensor([[256.0, 256.0]])) <= torch.tensor([width, height])).all()


def test_sessions_vary_and_half_of_them_have_corrections() -> None:
    drawn = [draw_session(np.random.default_rng(seed)) for seed in range(600)]
    sessions = [s for s in drawn if s is not None]
    assert len(sessions) / 600 == pytest.approx(0.5, abs=0.07)
    assert {s.clicks for s in sessions} == set(range(1, MOST_CLICKS + 1))
    for share in ([s.with_mask for s in sessions], [s.deepest for s in sessions]):
        assert np.mean(share) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("with_mask", [True, False])
def test_corrections_answer_the_models_own_errors(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, with_mask: bool
) -> None:
    """The last click lies on the deepest error of the mask of the prompt before it."""
    model = AdaptedModel.of(tiny_sam, None, cache)
    draw = validation_draws(shapes.split("val"), FitConfig(steps=1, prompts="click"))[0]
    image, covered = model.open(draw.image), coverage(draw, model.open(draw.image).frame)
    two = continued(model, image, draw.prompts, Session(2, with_mask, True, 0), covered)
    three = continued(model, image, draw.prompts, Session(3, with_mask, True, 0), covered)
    assert two.points is not None and three.points is not None and three.labels is not None
    assert two.points.shape == (len(draw.instances), 3, 2)
    assert np.array_equal(three.points[:, :3], two.points)
    assert (two.masks is not None) == with_mask
    with torch.no_grad():
        predicted = model.decode(image, two).logits[0, :, 0].numpy() > 0
    if with_mask:  # the masks are those of the prompt before
        one = continued(model, image, draw.prompts, Session(1, True, True, 0), covered)
        with torch.no_grad():
            assert np.allclose(two.masks, model.decode(image, one).logits[0, :, 0].numpy(), atol=1e-4)
    valid = image.frame.valid_low_res().numpy()
    truths = (covered > 0.5 * covered.amax((-2, -1), keepdim=True)).numpy()
    for row, (mask, truth) in enumerate(zip(predicted & valid, truths & valid, strict=True)):
        click = next_click(mask, truth)
        assert click is not None
        place = image.frame.low_res_to_image(torch.from_numpy(click[0]))
        assert np.allclose(three.points[row, 3], place, atol=1e-3) and three.labels[row, 3] == click[1]


def test_a_session_of_an_instance_too_small_to_see_goes_on(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    model = AdaptedModel.of(tiny_sam, None, cache)
    draw = validation_draws(shapes.split("val"), FitConfig(steps=1))[0]
    image = model.open(draw.image)
    none = torch.zeros_like(coverage(draw, image.frame))
    prompts = continued(model, image, draw.prompts, Session(2, False, True, 0), none)
    assert prompts.labels is not None and (prompts.labels[:, 1:] == -1).all()


def test_a_step_trains_on_the_end_of_a_session_and_repeats_to_the_bit(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache
) -> None:
    from samtailor.adapters.io import build_adapter

    config = FitConfig(steps=2, prompts="interactive", batch=4, min_area=1, precision="float32", method="decoder-lite")
    sampler = Sampler(shapes.split("train"), config)
    batch = [draw for step in range(8) for draw in sampler.batch(step) if draw.session is not None]
    assert len(batch) > 3
    losses = []
    for _ in range(2):
        adapter = build_adapter("decoder-lite", tiny_sam, 0)
        model = AdaptedModel.of(tiny_sam, adapter, cache)
        losses.append(add_gradients(model, batch, config)["loss"])
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in adapter.parameters())
    assert losses[0] == losses[1]
    plain = [Sampler(shapes.split("train"), config).batch(0)[0]]
    assert isinstance(plain[0].prompts, Prompts)


def test_validation_scores_the_last_mask_of_each_session(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    model = AdaptedModel.of(tiny_sam, None, cache)
    config = FitConfig(steps=1, prompts="interactive", val_prompts=20)
    draws = validation_draws(shapes.split("val"), config)
    assert any(d.session for d in draws) and any(d.session is None for d in draws)
    scores = validate(model, draws)
    assert scores.n == 20 and scores == validate(model, draws)
    first = [d.__class__(d.image, d.instances, d.prompts, d.seed) for d in draws]
    assert validate(model, first).ious != scores.ious
