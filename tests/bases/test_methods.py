"""Every method on every base: identity at step 0, gradients, a frozen base, saving, loading, another base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor.adapters.io import build_adapter, load_adapter
from samtailor.adapters.methods import METHODS
from samtailor.bases.base import Base
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError
from samtailor.evaluate import evaluate_task
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.predict import Predictor
from samtailor.prompts import Prompts
from tests.models import model_of

CHANGING = ("plm+lora", "plm", "plm+pmm", "plm+boundary", "offset", "tokens")
POINTS = np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32)
LABELS = np.array([[1], [0]])
BOXES = np.array([[2, 3, 30, 40], [20, 10, 60, 45]], np.float32)
SHORT = FitConfig(steps=3, precision="float32", batch=4, lr=1e-3, val_prompts=4, validations=1)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def prompts_of(base: Base, kind: str) -> Prompts:
    masks = 3 * np.random.default_rng(0).standard_normal((2, 4 * base.grid, 4 * base.grid), np.float32)
    return {
        "click": Prompts(points=POINTS, labels=LABELS),
        "box": Prompts(boxes=BOXES),
        "both": Prompts(points=POINTS, labels=LABELS, boxes=BOXES),
        "click + mask": Prompts(points=POINTS, labels=LABELS, masks=masks),
    }[kind]


def untrained(method: str, base: Base):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_adapter(method, base)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["click", "box", "both", "click + mask"])
def test_an_untrained_adapter_leaves_the_masks_as_they_are(base: Base, method: str, kind: str) -> None:
    adapter = untrained(method, base)
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    opened = model_of(base, adapter).open_picture(image)
    prompts = prompts_of(base, kind)
    adapted = model_of(base, adapter).decode(opened, prompts).logits
    plain = model_of(base).decode(opened, prompts).logits
    assert plain.shape == (1, 2, 1, 4 * base.grid, 4 * base.grid)
    if method == "tokens":  # it says that it changes masks from the start
        return
    assert float((adapted - plain).abs().max()) <= 1e-4 * float(plain.abs().max())


def test_a_fit_trains_the_adapter_alone_and_another_base_refuses_it(
    base: Base, method: str, shapes: Task, tmp_path: Path, tiny_sam: Base
) -> None:
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    cache = EmbeddingCache(tmp_path / "cache")
    fit_task(shapes, base, tmp_path / "run", SHORT.with_method(method), cache=cache)
    after = base.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert not any(p.requires_grad or p.grad is not None for p in base.parameters())

    adapter = load_adapter(tmp_path / "run", base)
    masks = _masks(base, tmp_path / "run", cache)
    assert np.array_equal(masks, _masks(base, tmp_path / "run", cache))
    evaluation = evaluate_task(shapes, base, adapter, cache=cache)
    assert len(evaluation.instances) > 0
    if base.fingerprint != tiny_sam.fingerprint:
        with pytest.raises(AdapterError, match=f"{base.fingerprint}.*{tiny_sam.fingerprint}"):
            load_adapter(tmp_path / "run", tiny_sam)


def _masks(base: Base, run: Path, cache: EmbeddingCache) -> np.ndarray:
    predictor = Predictor(base, run, cache)
    predictor.set_image(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    return predictor.predict(points=POINTS, labels=LABELS).masks
