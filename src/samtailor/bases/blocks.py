"""The blocks of embedding cells: each cell has its own 4 x 4 low-res pixels of a mask."""

from __future__ import annotations

from torch import Tensor

__all__ = ["BLOCK", "all_blocks", "blocks_of"]

BLOCK = 4
"""Low-res pixels along the side of a cell's block."""


def blocks_of(maps: Tensor, cells: Tensor, size: int = BLOCK) -> Tensor:
    """Cut the blocks of some cells out of maps.

    Args:
        maps: (B, N, M, s h, s w), with s pixels along the side of a block.
        cells: (B, N, K) int, counted row by row.
        size: s.

    Returns:
        (B, N, M, K, s s), each block row by row.
    """
    b, n, m, height, width = maps.shape
    rows = maps.view(b, n, m, height // size, size, width // size, size)
    blocks = rows.transpose(4, 5).reshape(b, n, m, -1, size * size)
    return blocks.gather(3, cells[:, :, None, :, None].expand(-1, -1, m, -1, size * size))


def all_blocks(maps: Tensor) -> Tensor:
    """Cut square maps (N, l, l) into the blocks of all cells, (N, hw, 16); cells and pixels are counted row by row."""
    n, side, _ = maps.shape
    blocks = maps.reshape(n, side // BLOCK, BLOCK, side // BLOCK, BLOCK).transpose(2, 3)
    return blocks.reshape(n, -1, BLOCK * BLOCK)
