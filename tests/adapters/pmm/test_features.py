"""Features at points equal PyTorch's grid_sample on the whole map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.pmm.features import features_at
from samtailor.bases.base import Base, Decoded
from samtailor.bases.prompts import PromptTensors

SIDE = 16


def decoded(base: Base, seed: int) -> tuple[Decoded, Tensor]:
    """Decode three clicks; return the result and the tokens, which require gradients."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=generator)
    clicks = 64 * torch.rand(1, 3, 1, 2, generator=generator)
    sparse, dense = base.embed_prompts(PromptTensors(clicks, torch.ones(1, 3, 1, dtype=torch.int64)))
    sparse = sparse.clone().requires_grad_()
    return base.decode({"image": image}, sparse, dense), sparse


def whole_map(out: Decoded, stage: int) -> Tensor:
    """Return the features (N, C, ...); for stage 1 they are put together from the blocks of all cells."""
    if stage == 2:
        return out.upscaled[0]
    cells = torch.arange(16).expand(1, 3, -1)
    blocks = out.blocks(cells, 1)[0]  # (N, 16, 4, 2 C)
    rows = blocks.view(3, 4, 4, 2, 2, -1).transpose(2, 3)  # cell row, pixel row, cell column, pixel column
    return rows.reshape(3, 8, 8, -1).permute(0, 3, 1, 2)


def sampled(maps: Tensor, points: Tensor) -> Tensor:
    grid = (points * 2 / SIDE - 1)[:, None]
    values = F.grid_sample(maps, grid, align_corners=False, padding_mode="border")
    return values[:, :, 0].transpose(1, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 64]), st.floats(0.1, 12), st.sampled_from([1, 2]))
def test_features_equal_grid_sample_of_the_whole_map(
    base: Base, seed: int, count: int, spread: float, stage: int
) -> None:
    out, sparse = decoded(base, seed)
    generator = torch.Generator().manual_seed(seed)
    points = SIDE / 2 + spread * torch.randn(3, count, 2, generator=generator)  # some outside
    points[:, 0] = points[:, 0].round()  # on the border of pixels
    maps = whole_map(out, stage)
    weights = torch.randn(3, count, maps.shape[1], generator=generator)
    features, expected = features_at(out, points, SIDE, stage), sampled(maps, points)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    gradient, expected_gradient = (
        torch.autograd.grad((values * weights).sum(), sparse, retain_graph=True)[0] for values in (features, expected)
    )
    assert expected_gradient.abs().max() > 0
    assert (gradient - expected_gradient).abs().max() <= 1e-3 * expected_gradient.abs().max()


def test_only_the_cells_under_the_points_are_upscaled(tiny_sam: Base) -> None:
    out, _ = decoded(tiny_sam, 0)
    upscaled = []

    def blocks(cells: Tensor, stage: int = 2) -> Tensor:
        upscaled.append(cells)
        return out.blocks(cells, stage)

    points = torch.tensor([[[2.0, 2.0], [2.4, 1.9]], [[8.0, 8.0], [2.0, 2.0]], [[4.0, 14.0], [4.0, 14.0]]])
    features_at(replace(out, blocks=blocks), points, SIDE)
    (cells,) = upscaled
    assert cells.shape == (1, 3, 5)
    assert [set(row.tolist()) for row in cells[0]] == [{0}, {0, 5, 6, 9, 10}, {0, 12, 13}]  # rows are filled with 0


def test_both_decoders_compute_the_same_features_of_the_first_stage(tiny_sam: Any) -> None:
    cells = torch.tensor([[[0, 3, 15], [5, 5, 9], [12, 1, 2]]])
    blocks = []
    for reference in (False, True):
        tiny_sam.reference_decoder = reference
        blocks.append(decoded(tiny_sam, 1)[0].blocks(cells, 1))
    tiny_sam.reference_decoder = False
    assert blocks[0].shape == (1, 3, 3, 4, tiny_sam.embed_dim // 4)
    torch.testing.assert_close(blocks[0], blocks[1], rtol=1e-4, atol=1e-5)
