"""Sample the embedding cells that a loss uses: cells where the loss has its gradient, and a few of the others.

A cell determines its own 4 x 4 block of the mask, so a loss over some cells needs only these cells upscaled. Cells are
drawn without replacement within two strata and weighted by the inverse of their probability, so every sum over the
sampled cells is an unbiased estimate of the sum over all cells (Horvitz and Thompson 1952).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from samtailor.bases.blocks import BLOCK, all_blocks
from samtailor.losses import Target, hard_truth

__all__ = ["full_target", "sampled_target"]

WRONG = 0.1  # smallest error of a probability for which a cell counts as wrong or uncertain


def full_target(truth: Tensor, valid: Tensor) -> Target:
    """Build a target of all pixels from ``truth`` (N, l, l) and ``valid`` (l, l) bool."""
    return Target(truth, hard_truth(truth), valid.float(), valid.sum())


def sampled_target(truth: Tensor, valid: Tensor, share: float, seed: int, predicted: Tensor | None = None) -> Target:
    """Build a target of a share of the cells.

    Half of the sampled cells are on the mask's boundary, or more if there are few other cells. With a prediction, three
    quarters are on the boundary or where the prediction is wrong or uncertain: late in a fit, nearly all of the
    gradient is there.

    Args:
        truth: as in ``full_target``, on the CPU.
        valid: as in ``full_target``, on the CPU.
        share: of the cells, 0..1.
        seed: random seed.
        predicted: (N, l, l) logits of the whole masks, on the CPU, or None.

    Returns:
        Target with P... = (K, 16): K cells, the same number for every instance, and the pixels of each cell row by row.
        If an instance has fewer than K cells, the rest are cells of weight 0.
    """
    rng = np.random.default_rng(seed)
    blocks, block_valid = all_blocks(truth), all_blocks(valid[None])[0]  # (N, c, 16), (c, 16)
    usable = block_valid.any(-1)
    count = max(2, round(share * blocks.shape[1]))
    near, most = (blocks.amax(-1) > 0) & (blocks.amin(-1) < 1), count // 2
    if predicted is not None:
        wrong = (torch.sigmoid(all_blocks(predicted)) - blocks).abs() > WRONG
        near, most = near | (wrong & block_valid).any(-1), count * 3 // 4
    preferred = (near & usable).numpy()
    rest = usable.numpy() & ~preferred
    cells = np.zeros((len(truth), count), dtype=np.int64)
    weights = np.zeros((len(truth), count), dtype=np.float32)
    for row in range(len(truth)):
        chosen, others = np.flatnonzero(preferred[row]), np.flatnonzero(rest[row])
        first = min(len(chosen), max(most, count - len(others)))
        second = min(len(others), count - first)
        end = first + second
        cells[row, :first], cells[row, first:end] = (
            rng.choice(chosen, first, replace=False),
            rng.choice(others, second, replace=False),
        )
        weights[row, :first] = len(chosen) / max(first, 1)
        weights[row, first:end] = len(others) / max(second, 1)
    sampled = torch.from_numpy(cells)
    index = sampled[..., None].expand(-1, -1, BLOCK * BLOCK)
    weight = torch.from_numpy(weights)[..., None] * block_valid[sampled]
    hard = all_blocks(hard_truth(truth)).gather(1, index)
    return Target(blocks.gather(1, index), hard, weight, valid.sum(), sampled)
