"""The bounding box of a mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Extent", "mask_extent"]


class Extent(NamedTuple):
    """A bounding box in whole pixels: rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def window(self) -> tuple[slice, slice]:
        """Index that cuts the box out of an array (H, W)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def mask_extent(mask: np.ndarray) -> Extent:
    """Return the smallest box that holds the foreground of a mask.

    Args:
        mask: (H, W) bool.

    Raises:
        ValueError: the mask has no foreground pixel.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise ValueError("The mask has no foreground pixel; expected at least one.")
    return Extent(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
