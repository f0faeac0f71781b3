"""plm+pmm in training: when its term is there, what it reads, and what it moves."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from samtailor.adapters.io import build_adapter
from samtailor.adapters.lesson import Lesson
from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm import adapter as matched
from samtailor.adapters.pmm.adapter import MatchedPLM
from samtailor.adapters.pmm.contours import contour
from samtailor.adapters.pmm.features import features_at
from samtailor.adapters.pmm.loss import point_matching_loss
from samtailor.bases.base import Base, Decoded
from samtailor.bases.sam.preprocess import padded_frame
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.prompts import Prompts
from tests.models import model_of

SIDE, N = 16, 3
FRAME = padded_frame(64, 48, 64, SIDE)
PROMPTS = Prompts(points=np.array([[[5.5, 7.5]], [[30.5, 40.5]], [[50, 20]]], np.float32), labels=np.ones((N, 1), int))


def taught(base: Base, **options: Any) -> MatchedPLM:
    """Its last layers are not zero, as after some steps."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapter = build_adapter("plm+pmm", base, **options)
        assert isinstance(adapter, MatchedPLM)
        for layer in (adapter.mlp[-1], adapter.pmm.decoder[-1]):
            torch.nn.init.normal_(layer.weight, std=0.3)
    return adapter


def truth() -> Tensor:
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    return torch.stack([((x - a).hypot(y - b) < r).float() for a, b, r in ((5, 5, 3.2), (9, 6, 4.5), (12, 3, 2.1))])


def lesson(base: Base, adapter: PLM, progress: float = 1.0, share: float = 1.0, noise: int = 1) -> Lesson:
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=torch.Generator().manual_seed(0))
    valid = FRAME.valid_low_res()
    shown = truth() * valid
    target = full_target(shown, valid) if share == 1 else sampled_target(shown, valid, share, 0)
    cells = None if target.cells is None else target.cells[None]
    out = model_of(base, adapter).decode(EmbeddedImage(FRAME, {"image": image}), PROMPTS, cells=cells)
    return Lesson(out, target, shown, valid, progress, noise)


def term(adapter: MatchedPLM, given: Lesson) -> Tensor:
    (name, found), *rest = adapter.extra_terms(given).items()
    assert name == "points" and not rest and found.shape == (N,)
    return found


@pytest.mark.parametrize("start", ["predicted", "jittered"])
@pytest.mark.parametrize("share", [0.25, 1.0])
@pytest.mark.parametrize("stage", [1, 2])
def test_the_term_alone_moves_the_plm(tiny_sam: Base, start: str, share: float, stage: int) -> None:
    adapter = taught(tiny_sam, pmm_contour=start, pmm_stage=stage)
    term(adapter, lesson(tiny_sam, adapter, share=share)).sum().backward()
    for name, parameter in adapter.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_with_an_untrained_pmm_the_plm_waits(tiny_sam: Base) -> None:
    """A last layer of zeros lets nothing through at its first step, and is moved by it."""
    adapter = taught(tiny_sam)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    term(adapter, lesson(tiny_sam, adapter)).sum().backward()
    moved = {n for n, p in adapter.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"pmm.decoder.4.weight", "pmm.decoder.4.bias"}


class _Untouchable:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize(
    ("options", "progress", "there"),
    [
        ({}, 0.299, False),
        ({}, 0.3, True),
        ({"pmm_warmup": 0}, 0.0, True),
        ({"pmm_warmup": 0.7}, 0.69, False),
        ({"pmm_weight": 0}, 1.0, False),
    ],
)
def test_before_its_time_there_is_no_term_and_no_cost(
    tiny_sam: Base, options: dict[str, float], progress: float, there: bool
) -> None:
    adapter = taught(tiny_sam, **options)
    given = lesson(tiny_sam, adapter, progress)
    if there:
        assert (term(adapter, given) > 0).any()
    else:
        untouchable: Any = _Untouchable()
        assert adapter.extra_terms(dataclasses.replace(given, decoded=untouchable, truth=untouchable)) == {}


def test_before_any_offset_it_is_the_distance_of_the_contours(tiny_sam: Base) -> None:
    """Weighted; of the whole mask, whatever cells the other terms look at; padding left out."""
    adapter = taught(tiny_sam, pmm_weight=0.5, pmm_iterations=3)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    for share in (0.25, 1.0):
        given = lesson(tiny_sam, adapter, share=share)
        masks = ((given.decoded.whole()[0, :, 0] > 0) & given.valid).numpy()
        assert not masks[:, 12:].any()
        for row, found in enumerate(term(adapter, given).detach()):
            ours, theirs = contour(masks[row], 64), contour(given.truth[row].numpy() > 0.5, 64)
            assert ours is not None and theirs is not None
            expected = point_matching_loss(torch.from_numpy(ours)[None], torch.from_numpy(theirs)[None])
            assert float(found) == pytest.approx(0.5 * float(expected), rel=1e-5)


def test_the_pmm_can_learn_to_match(tiny_sam: Base) -> None:
    """Only the PMM moves; the masks, and so the contours it starts from, stay."""
    adapter = taught(tiny_sam, pmm_weight=1.0)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    with torch.no_grad():
        given = lesson(tiny_sam, adapter)
    optimiser = torch.optim.AdamW(adapter.pmm.parameters(), lr=1e-3)
    losses = []
    for _ in range(40):
        loss = term(adapter, given).sum()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.4 * losses[0]


def test_iterations_go_on_from_the_moved_points(tiny_sam: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an offset of (3, 0) at each: features are read there, and the two losses averaged."""
    adapter = taught(tiny_sam, pmm_weight=1.0, pmm_iterations=2)
    torch.nn.init.zeros_(adapter.pmm.decoder[-1].weight)
    with torch.no_grad():
        adapter.pmm.decoder[-1].bias.copy_(torch.tensor([3.0, 0.0]))
    given = lesson(tiny_sam, adapter)
    asked = []

    def listening(decoded: Decoded, points: Tensor, side: int, stage: int) -> Tensor:
        asked.append(points)
        return features_at(decoded, points, side, stage)

    monkeypatch.setattr(matched, "features_at", listening)
    found = term(adapter, given)
    first, second = asked
    torch.testing.assert_close(second, first + torch.tensor([3.0, 0.0]))
    lines = [contour(mask, 64) for mask in given.truth.numpy() > 0.5]
    true = torch.from_numpy(np.stack([line for line in lines if line is not None]))
    losses = [point_matching_loss(first + torch.tensor([3.0 * k, 0.0]), true) for k in (1, 2)]
    torch.testing.assert_close(found.detach(), (losses[0] + losses[1]) / 2)


@pytest.mark.parametrize("empty", ["predicted", "true"])
@pytest.mark.parametrize("all_of_them", [False, True])
def test_without_a_contour_there_is_nothing_to_learn(tiny_sam: Base, empty: str, all_of_them: bool) -> None:
    adapter = taught(tiny_sam)
    given = lesson(tiny_sam, adapter)
    rows = slice(None) if all_of_them else slice(1, 2)
    if empty == "true":
        shares = given.truth.clone()
        shares[rows] = 0
        given = dataclasses.replace(given, truth=shares)
    else:
        logits = given.decoded.whole()
        logits[0, rows] = -1
        given = dataclasses.replace(given, decoded=_with(given.decoded, logits))
    found = term(adapter, given)
    assert (found[rows] == 0).all()
    assert all_of_them or (found[[0, 2]] > 0).all()
    assert found.requires_grad != all_of_them


def _with(decoded: Decoded, logits: Tensor) -> Decoded:
    return dataclasses.replace(decoded, whole=lambda: logits)


def test_jitter_follows_the_lessons_noise(tiny_sam: Base) -> None:
    adapter = taught(tiny_sam, pmm_contour="jittered")
    one, again, other = (term(adapter, lesson(tiny_sam, adapter, noise=seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.allclose(one, other)


def test_its_plm_starts_as_plm_does(tiny_sam: Base) -> None:
    found = []
    for method in ("plm", "plm+pmm"):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            found.append(build_adapter(method, tiny_sam).kept_parameters())
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


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
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(AdapterError, match=name):
        MatchedPLM(width=32, **options)
