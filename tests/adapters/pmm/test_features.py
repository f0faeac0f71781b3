"""Features at points: torch's grid_sample on the whole map is the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.pmm.features import features_at
from samtailor.bases.base import Base, Decoded
from samtailor.bases.prompts import PromptTensors

SIDE = 16


@pytest.fixture(params=[False, True], ids=["fast", "reference"])
def base(request: pytest.FixtureRequest, tiny_sam: Any) -> Iterator[Base]:
    tiny_sam.reference_decoder = request.param
    yield tiny_sam
    tiny_sam.reference_decoder = False


def decoded(base: Base, seed: int) -> tuple[Decoded, Tensor]:
    """Answers to three clicks, and the tokens that gradients should reach."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=generator)
    clicks = 64 * torch.rand(1, 3, 1, 2, generator=generator)
    sparse, dense = base.embed_prompts(PromptTensors(clicks, torch.ones(1, 3, 1, dtype=torch.int64)))
    sparse = sparse.clone().requires_grad_()
    return base.decode({"image": image}, sparse, dense), sparse


def whole_map(out: Decoded, stage: int) -> Tensor:
    """(N, C, ...), laid out from the blocks of all cells where there is no other way."""
    if stage == 2:
        return out.upscaled[0]
    cells = torch.arange(16).expand(1, 3, -1)
    blocks = out.blocks(cells, 1)[0]  # (N, 16, 4, 2 C)
    rows = blocks.view(3, 4, 4, 2, 2, -1).transpose(2, 3)  # cell row, pixel row, cell column, pixel column
    return rows.reshape(3, 8, 8, -1).permute(0, 3, 1, 2)


def sampled(maps: Tensor, points: Tensor) -> Tensor:
    grid = (points * 2 / SIDE - 1)[:, None]
    found = F.grid_sample(maps, grid, align_corners=False, padding_mode="border")
    return found[:, :, 0].transpose(1, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 64]), st.floats(0.1, 12), st.sampled_from([1, 2]))
def test_it_is_grid_sample_of_the_whole_map(base: Base, seed: int, count: int, spread: float, stage: int) -> None:
    out, sparse = decoded(base, seed)
    generator = torch.Generator().manual_seed(seed)
    points = SIDE / 2 + spread * torch.randn(3, count, 2, generator=generator)  # some outside
    points[:, 0] = points[:, 0].round()  # on the border of pixels
    maps = whole_map(out, stage)
    weights = torch.randn(3, count, maps.shape[1], generator=generator)
    found, expected = features_at(out, points, SIDE, stage), sampled(maps, points)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    ours, theirs = (torch.autograd.grad((f * weights).sum(), sparse, retain_graph=True)[0] for f in (found, expected))
    assert theirs.abs().max() > 0
    assert (ours - theirs).abs().max() <= 1e-3 * theirs.abs().max()


def test_only_the_cells_that_points_touch_are_upscaled(tiny_sam: Base) -> None:
    out, _ = decoded(tiny_sam, 0)
    asked = []

    def blocks(cells: Tensor, stage: int = 2) -> Tensor:
        asked.append(cells)
        return out.blocks(cells, stage)

    points = torch.tensor([[[2.0, 2.0], [2.4, 1.9]], [[8.0, 8.0], [2.0, 2.0]], [[4.0, 14.0], [4.0, 14.0]]])
    features_at(replace(out, blocks=blocks), points, SIDE)
    (cells,) = asked
    assert cells.shape == (1, 3, 5)
    assert [set(row.tolist()) for row in cells[0]] == [{0}, {0, 5, 6, 9, 10}, {0, 12, 13}]  # 0 also fills up


def test_both_decoders_give_the_same_features_of_the_first_stage(tiny_sam: Any) -> None:
    cells = torch.tensor([[[0, 3, 15], [5, 5, 9], [12, 1, 2]]])
    found = []
    for reference in (False, True):
        tiny_sam.reference_decoder = reference
        found.append(decoded(tiny_sam, 1)[0].blocks(cells, 1))
    tiny_sam.reference_decoder = False
    assert found[0].shape == (1, 3, 3, 4, tiny_sam.embed_dim // 4)
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
