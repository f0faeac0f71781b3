"""plm+pmm in training: when the term is computed, what it reads, and which parameters it trains."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import build_adapter
from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm import adapter as plm_pmm
from samtailor.adapters.pmm.adapter import PlmPMM
from samtailor.adapters.pmm.contours import contour
from samtailor.adapters.pmm.features import features_at
from samtailor.adapters.pmm.loss import point_matching_loss
from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.base import Base, Decoded
from samtailor.bases.sam.preprocess import padded_frame
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError
from samtailor.fitting.batches import Sampler
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.fitting.config import FitConfig
from samtailor.fitting.loop import Trainer
from samtailor.fitting.work import AdapterWork
from samtailor.prompts import Prompts
from samtailor.runs import Run
from tests.models import model_of

SIDE, N = 16, 3
FRAME = padded_frame(64, 48, 64, SIDE)
PROMPTS = Prompts(points=np.array([[[5.5, 7.5]], [[30.5, 40.5]], [[50, 20]]], np.float32), labels=np.ones((N, 1), int))


def trained_adapter(base: Base, **options: Any) -> PlmPMM:
    """Build an adapter whose last layers are not zero, as after some training."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapter = build_adapter("plm+pmm", base, **options)
        assert isinstance(adapter, PlmPMM)
        for layer in (adapter.mlp[-1], adapter.pmm.decoder[-1]):
            torch.nn.init.normal_(layer.weight, std=0.3)
    return adapter


def truth() -> Tensor:
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    return torch.stack([((x - a).hypot(y - b) < r).float() for a, b, r in ((5, 5, 3.2), (9, 6, 4.5), (12, 3, 2.1))])


def training_step(base: Base, adapter: PLM, progress: float = 1.0, share: float = 1.0, seed: int = 1) -> TrainingStep:
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=torch.Generator().manual_seed(0))
    valid = FRAME.valid_low_res()
    visible = truth() * valid
    target = full_target(visible, valid) if share == 1 else sampled_target(visible, valid, share, 0)
    cells = None if target.cells is None else target.cells[None]
    out = model_of(base, adapter).decode(EmbeddedImage(FRAME, {"image": image}), PROMPTS, cells=cells)
    return TrainingStep(out, target, visible, valid, progress, seed)


def term(adapter: PlmPMM, step: TrainingStep) -> Tensor:
    terms = adapter.extra_terms(step)
    assert list(terms) == ["points"] and terms["points"].shape == (N,)
    return terms["points"]


@pytest.mark.parametrize("start", ["predicted", "jittered"])
@pytest.mark.parametrize("share", [0.25, 1.0])
@pytest.mark.parametrize("stage", [1, 2])
def test_the_term_alone_trains_the_plm(tiny_sam: Base, start: str, share: float, stage: int) -> None:
    adapter = trained_adapter(tiny_sam, pmm_contour=start, pmm_stage=stage)
    term(adapter, training_step(tiny_sam, adapter, share=share)).sum().backward()
    for name, parameter in adapter.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_an_untrained_pmm_gives_the_plm_no_gradient(tiny_sam: Base) -> None:
    """In the first step the PMM's last layer is zero, so only this layer gets a gradient."""
    adapter = trained_adapter(tiny_sam)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    term(adapter, training_step(tiny_sam, adapter)).sum().backward()
    trained = {n for n, p in adapter.named_parameters() if p.grad is not None and p.grad.any()}
    assert trained == {"pmm.decoder.4.weight", "pmm.decoder.4.bias"}


class _Unused:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was used")


@pytest.mark.parametrize(
    ("options", "progress", "computed"),
    [
        ({}, 0.299, False),
        ({}, 0.3, True),
        ({"pmm_warmup": 0}, 0.0, True),
        ({"pmm_warmup": 0.7}, 0.69, False),
        ({"pmm_weight": 0}, 1.0, False),
    ],
)
def test_before_the_warmup_ends_there_is_no_term_and_no_cost(
    tiny_sam: Base, options: dict[str, float], progress: float, computed: bool
) -> None:
    adapter = trained_adapter(tiny_sam, **options)
    step = training_step(tiny_sam, adapter, progress)
    if computed:
        assert (term(adapter, step) > 0).any()
    else:
        unused: Any = _Unused()
        assert adapter.extra_terms(dataclasses.replace(step, decoded=unused, truth=unused)) == {}


def test_without_offsets_the_term_is_the_distance_of_the_contours(tiny_sam: Base) -> None:
    """The term is weighted, uses the whole mask even if the other terms use some cells, and omits padding."""
    adapter = trained_adapter(tiny_sam, pmm_weight=0.5, pmm_iterations=3)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    for share in (0.25, 1.0):
        step = training_step(tiny_sam, adapter, share=share)
        masks = ((step.decoded.whole()[0, :, 0] > 0) & step.valid).numpy()
        assert not masks[:, 12:].any()
        for row, value in enumerate(term(adapter, step).detach()):
            predicted, true = contour(masks[row], 64), contour(step.truth[row].numpy() > 0.5, 64)
            assert predicted is not None and true is not None
            expected = point_matching_loss(torch.from_numpy(predicted)[None], torch.from_numpy(true)[None])
            assert float(value) == pytest.approx(0.5 * float(expected), rel=1e-5)


def test_the_pmm_can_learn_to_match(tiny_sam: Base) -> None:
    """Only the PMM is trained; the masks, and so the contours that it starts from, do not change."""
    adapter = trained_adapter(tiny_sam, pmm_weight=1.0)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    with torch.no_grad():
        step = training_step(tiny_sam, adapter)
    optimiser = torch.optim.AdamW(adapter.pmm.parameters(), lr=1e-3)
    losses = []
    for _ in range(60):
        loss = term(adapter, step).sum()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.4 * losses[0]


def test_each_iteration_starts_from_the_moved_points(tiny_sam: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an offset of (3, 0) in each, features are read at the moved points, and the two losses are averaged."""
    adapter = trained_adapter(tiny_sam, pmm_weight=1.0, pmm_iterations=2)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    with torch.no_grad():
        adapter.pmm.decoder[-1].bias.copy_(torch.tensor([3.0, 0.0]))
    step = training_step(tiny_sam, adapter)
    sampled_points = []

    def recording(decoded: Decoded, points: Tensor, side: int, stage: int) -> Tensor:
        sampled_points.append(points)
        return features_at(decoded, points, side, stage)

    monkeypatch.setattr(plm_pmm, "features_at", recording)
    value = term(adapter, step)
    first, second = sampled_points
    torch.testing.assert_close(second, first + torch.tensor([3.0, 0.0]))
    lines = [contour(mask, 64) for mask in step.truth.numpy() > 0.5]
    true = torch.from_numpy(np.stack([line for line in lines if line is not None]))
    losses = [point_matching_loss(first + torch.tensor([3.0 * k, 0.0]), true) for k in (1, 2)]
    torch.testing.assert_close(value.detach(), (losses[0] + losses[1]) / 2)


@pytest.mark.parametrize("empty", ["predicted", "true"])
@pytest.mark.parametrize("all_empty", [False, True])
def test_a_prompt_without_a_contour_adds_nothing(tiny_sam: Base, empty: str, all_empty: bool) -> None:
    adapter = trained_adapter(tiny_sam)
    step = training_step(tiny_sam, adapter)
    rows = slice(None) if all_empty else slice(1, 2)
    if empty == "true":
        shares = step.truth.clone()
        shares[rows] = 0
        step = dataclasses.replace(step, truth=shares)
    else:
        logits = step.decoded.whole()
        logits[0, rows] = -1
        step = dataclasses.replace(step, decoded=_with(step.decoded, logits))
    values = term(adapter, step)
    assert (values[rows] == 0).all()
    assert all_empty or (values[[0, 2]] > 0).all()
    assert values.requires_grad != all_empty


def test_contours_of_the_wrong_object_are_left_out(tiny_sam: Base) -> None:
    adapter = trained_adapter(tiny_sam, pmm_least_iou=0.5)
    step = training_step(tiny_sam, adapter)
    logits = 2 * step.truth[None, :, None] - 1.0
    logits[0, 1] = torch.where(torch.arange(SIDE) > 10, 1.0, -1.0)  # another place
    values = term(adapter, dataclasses.replace(step, decoded=_with(step.decoded, logits)))
    assert values[1] == 0 and (values[[0, 2]] >= 0).all() and values.requires_grad
    everything = trained_adapter(tiny_sam)
    assert term(everything, dataclasses.replace(step, decoded=_with(step.decoded, logits)))[1] > 0


def test_offsets_have_a_limit(tiny_sam: Base) -> None:
    adapter = trained_adapter(tiny_sam, pmm_largest_offset=2.0)
    offsets = torch.tensor([[-100.0, 0.1], [1.0, 50.0]])
    limited = adapter._limited(offsets)
    assert limited.abs().max() <= 2 and limited[0, 1] == pytest.approx(0.1, abs=1e-3)
    assert torch.equal(trained_adapter(tiny_sam)._limited(offsets), offsets)


@pytest.mark.parametrize("apart", [0, 1])
def test_a_large_gradient_of_the_pmm_shrinks_that_of_the_plm_unless_it_is_clipped_apart(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, apart: int
) -> None:
    config = FitConfig(steps=1, method="plm+pmm")
    adapter = trained_adapter(tiny_sam, pmm_clip_apart=apart)
    sampler = Sampler(shapes.split("train"), config)
    work = AdapterWork(AdaptedModel.of(tiny_sam, adapter, cache), sampler, [], config)
    fit = Trainer(work, sampler.steps_per_epoch, config, Run(tmp_path), {})
    for name, parameter in adapter.owned_parameters().items():
        parameter.grad = torch.full_like(parameter, 100.0 if name.startswith("pmm.") else 0.001)
    expected = float(adapter.mlp[-1].weight.grad.norm())  # type: ignore[union-attr]
    assert fit._limit_gradient() > 1000
    norm = float(adapter.mlp[-1].weight.grad.norm())  # type: ignore[union-attr]
    assert norm == pytest.approx(expected, rel=1e-4) if apart else norm < 1e-3 * expected


def _with(decoded: Decoded, logits: Tensor) -> Decoded:
    return dataclasses.replace(decoded, whole=lambda: logits)


def test_jitter_depends_on_the_seed_of_the_step(tiny_sam: Base) -> None:
    adapter = trained_adapter(tiny_sam, pmm_contour="jittered")
    first, again, different = (term(adapter, training_step(tiny_sam, adapter, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, different)


def test_its_plm_starts_like_the_plm_alone(tiny_sam: Base) -> None:
    starts = []
    for method in ("plm", "plm+pmm"):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            starts.append(build_adapter(method, tiny_sam).kept_parameters())
    assert starts[0].keys() == starts[1].keys()
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])


@pytest.mark.parametrize(
    "options",
    [
        {"pmm_weight": -1},
        {"pmm_weight": float("nan")},
        {"pmm_warmup": 1.5},
        {"pmm_contour": "guessed"},
        {"pmm_points": 2},
        {"pmm_points": 8.5},
        {"pmm_iterations": 0},
        {"pmm_stage": 3},
        {"pmm_match": "hungarian"},
        {"pmm_least_iou": 1.2},
        {"pmm_largest_offset": -1.0},
        {"pmm_clip_apart": 2},
    ],
)
def test_an_option_out_of_range_raises_an_error_with_its_name(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(AdapterError, match=name):
        PlmPMM(width=32, **options)
