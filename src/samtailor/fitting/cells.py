"""Which embedding cells a loss looks at: those that the mask's boundary crosses, and a random share of the others.

A cell makes its own 4 x 4 block of the mask, so a loss over some cells needs only these upscaled. Cells are drawn
without replacement within two strata and weighted by the inverse of the chance to be drawn, which makes every sum over
cells (Horvitz and Thompson 1952) an unbiased estimate of the sum over all.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from samtailor.losses import Target, hard_truth

__all__ = ["BLOCK", "full_target", "sampled_target"]

BLOCK = 4  # low-res pixels along a cell's side


def full_target(truth: Tensor, valid: Tensor) -> Target:
    """All pixels: ``truth`` (N, l, l), ``valid`` (l, l) bool."""
    return Target(truth, hard_truth(truth), valid.float(), valid.sum())


def sampled_target(truth: Tensor, valid: Tensor, share: float, seed: int) -> Target:
    """A share of the cells, half of it on the boundary (more where others are few); else as ``full_target``, on a CPU.

    Returns:
        Target with P... = (K, 16): K cells, the same number for every instance, and the pixels of each row by row. A
        draw that ran out of cells is filled up with cells of weight 0.
    """
    rng = np.random.default_rng(seed)
    blocks, inside = _blocks(truth), _blocks(valid[None])[0]  # (N, c, 16), (c, 16)
    usable = inside.any(-1)
    count = max(2, round(share * blocks.shape[1]))
    edge = ((blocks.amax(-1) > 0) & (blocks.amin(-1) < 1) & usable).numpy()
    rest = usable.numpy() & ~edge
    cells = np.zeros((len(truth), count), dtype=np.int64)
    weights = np.zeros((len(truth), count), dtype=np.float32)
    for row in range(len(truth)):
        on_edge, others = np.flatnonzero(edge[row]), np.flatnonzero(rest[row])
        first = min(len(on_edge), max(count // 2, count - len(others)))
        second = min(len(others), count - first)
        end = first + second
        cells[row, :first], cells[row, first:end] = (
            rng.choice(on_edge, first, replace=False),
            rng.choice(others, second, replace=False),
        )
        weights[row, :first] = len(on_edge) / max(first, 1)
        weights[row, first:end] = len(others) / max(second, 1)
    chosen = torch.from_numpy(cells)
    index = chosen[..., None].expand(-1, -1, BLOCK * BLOCK)
    weight = torch.from_numpy(weights)[..., None] * inside[chosen]
    return Target(blocks.gather(1, index), _blocks(hard_truth(truth)).gather(1, index), weight, valid.sum(), chosen)


def _blocks(pictures: Tensor) -> Tensor:
    """(N, l, l) to (N, cells, 16), cells and pixels row by row."""
    n, side, _ = pictures.shape
    cells = pictures.reshape(n, side // BLOCK, BLOCK, side // BLOCK, BLOCK).transpose(2, 3)
    return cells.reshape(n, -1, BLOCK * BLOCK)
