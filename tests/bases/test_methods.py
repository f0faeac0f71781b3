"""Every method on every family: identity at step 0, gradients, a frozen base, saving, loading, another base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, load_adapter, save_adapter
from samtailor.adapters.methods import METHODS
from samtailor.bases.base import Base, Decoded
from samtailor.bases.registry import load_base
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError
from samtailor.evaluate import evaluate_task
from samtailor.fit import fit_task
from samtailor.fitting.batches import Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.predict import Predictor
from samtailor.prompts import Prompts
from tests.bases.families import FAMILIES
from tests.models import TINY, model_of, save_tiny

POINTS = np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32)
LABELS = np.array([[1], [0]])
BOXES = np.array([[2, 3, 30, 40], [20, 10, 60, 45]], np.float32)
KINDS = ("click", "box", "both", "click + mask", "mask")


@pytest.fixture(scope="module", params=TINY)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opened(base: Base) -> EmbeddedImage:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return EmbeddedImage(base.frame(64, 48), base.encode([image]))


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingCache:
    """One cache for all methods of a family, so that each image is encoded once."""
    return EmbeddingCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def prompts_of(base: Base, kind: str) -> Prompts:
    side = 4 * base.grid
    masks = 3 * np.random.default_rng(0).standard_normal((2, side, side), np.float32)
    with_points = kind in ("click", "both", "click + mask")
    return Prompts(
        points=POINTS if with_points else None,
        labels=LABELS if with_points else None,
        boxes=BOXES if kind in ("box", "both") else None,
        masks=masks if "mask" in kind else None,
    )


def adapter_of(method: str, base: Base, changed: bool = False) -> Adapter:
    """Build an adapter; ``changed`` moves every owned parameter, as training would."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        adapter = build_adapter(method, base)
        for parameter in adapter.owned_parameters().values() if changed else ():
            parameter += 0.3 * torch.randn(parameter.shape)
    return adapter.eval()


def decode(base: Base, adapter: Adapter | None, opened: EmbeddedImage, kind: str = "click") -> Decoded:
    with torch.no_grad():
        return model_of(base, adapter).decode(opened, prompts_of(base, kind), "all")


def same(a: Decoded, b: Decoded) -> bool:
    return torch.equal(a.logits, b.logits) and torch.equal(a.iou, b.iou)


def add_steps(base: Base, adapter: Adapter, task: Task, cache: EmbeddingCache, progress: Sequence[float]) -> None:
    """Compute the gradients of a step for each share of the fit in ``progress``, without a step of the optimiser."""
    config = FitConfig(
        method=adapter.method, epochs=1, batch=4, prompts="mix", min_area=1, cells=0.25, precision="float32"
    )
    sampler = Sampler(task.split("train"), config)
    model = AdaptedModel.of(base, adapter, cache)
    for step, share in enumerate(progress):  # clicks and boxes
        terms = add_gradients(model, sampler.batch(step), config, progress=share)
        assert all(np.isfinite(value) for value in terms.values())


@pytest.mark.parametrize("kind", KINDS)
def test_an_untrained_adapter_is_the_base_if_it_says_so(
    base: Base, method: str, kind: str, opened: EmbeddedImage
) -> None:
    plain, adapter = decode(base, None, opened, kind), adapter_of(method, base)
    assert plain.logits.shape == (1, 2, base.mask_tokens, 4 * base.grid, 4 * base.grid)
    assert same(decode(base, adapter, opened, kind), plain) == adapter.starts_as_base
    adapter.switch_off()
    assert same(decode(base, adapter, opened, kind), plain)


def test_gradients_reach_owned_parameters_and_no_others(
    base: Base, method: str, shapes: Task, shared_cache: EmbeddingCache
) -> None:
    adapter = adapter_of(method, base, changed=True)
    add_steps(base, adapter, shapes, shared_cache, progress=[1.0] * 4)
    owned = adapter.owned_parameters()
    for name, parameter in owned.items():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    assert all(p.grad is None for name, p in adapter.named_parameters() if name not in owned)
    assert all(p.grad is None and not p.requires_grad for p in base.parameters())


def test_both_decoders_compute_the_same_gradient(
    base: Any, method: str, shapes: Task, shared_cache: EmbeddingCache, opened: EmbeddedImage
) -> None:
    results = []
    for reference in (False, True):
        base.reference_decoder = reference
        try:
            adapter = adapter_of(method, base, changed=True)
            add_steps(base, adapter, shapes, shared_cache, progress=[0.0])
            gradients = {name: p.grad for name, p in adapter.owned_parameters().items()}
            results.append((decode(base, adapter, opened), gradients))
        finally:
            base.reference_decoder = False
    (fast, gradients), (reference_decoded, expected_gradients) = results
    assert (fast.logits - reference_decoded.logits).abs().max() < 1e-4 * reference_decoded.logits.abs().max()
    scale = max(float(g.abs().max()) for g in expected_gradients.values() if g is not None)
    for name, expected in expected_gradients.items():
        gradient = gradients[name]
        assert (gradient is None) == (expected is None), name
        if gradient is not None and expected is not None:
            assert (gradient - expected).abs().max() <= 1e-3 * expected.abs().max() + 1e-6 * scale, name


def test_a_saved_adapter_gives_the_same_masks_and_refuses_another_base(
    base: Base, method: str, opened: EmbeddedImage, tmp_path: Path, mobile_sam: Base
) -> None:
    adapter = adapter_of(method, base, changed=True)
    save_adapter(tmp_path, adapter, base, {})
    loaded = load_adapter(tmp_path, base)
    assert same(decode(base, loaded, opened), decode(base, adapter, opened))
    with pytest.raises(AdapterError, match=f"{base.fingerprint}.*{mobile_sam.fingerprint}"):
        load_adapter(tmp_path, mobile_sam)


@pytest.mark.parametrize("method", ["plm+pmm", "prompt-tuner", "decoder-lite", "lora"])
def test_a_fit_leaves_the_base_as_it_is_and_every_verb_uses_the_adapter(
    base: Base, method: str, shapes: Task, shared_cache: EmbeddingCache, tmp_path: Path
) -> None:
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    config = FitConfig(method=method, steps=4, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)
    fit_task(shapes, base, tmp_path / "run", config, cache=shared_cache)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in base.parameters())

    evaluation = evaluate_task(shapes, base, load_adapter(tmp_path / "run", base), cache=shared_cache)
    assert {row.image for row in evaluation.instances} and all("adapted" in r.scores for r in evaluation.instances)
    predictor = Predictor(base, tmp_path / "run", shared_cache)
    predictor.set_image(shapes.split("test")[0].path)
    assert predictor.predict(points=[[20, 20]]).masks.shape[-2:] == (48, 64)


def test_a_base_is_the_same_from_a_copy_of_its_folder(base: Base, family: str, tmp_path: Path) -> None:
    copy = load_base(save_tiny(FAMILIES[family].family or "", tmp_path / "copy"), "cpu")
    assert copy.fingerprint == base.fingerprint and copy.name != base.name
