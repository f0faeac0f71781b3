"""Coordinate frames, and every conversion between them.

* image: pixels of the original picture, (x, y), x right, y down, pixel centres at +0.5.
* input: pixels of the padded square a base sees (1024 for SAM); the picture sits in its top left corner.
* low-res: the square in which mask logits come out (a quarter of the input side for SAM).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Frame"]

ROUNDING = 1e-5


@dataclass(frozen=True)
class Frame:
    """How one picture of ``width`` x ``height`` pixels lies in a base's padded square of side ``input_size``."""

    width: int
    height: int
    input_size: int

    @property
    def resized(self) -> tuple[int, int]:
        """(width, height) of the picture inside the square: longer side = ``input_size``, never below 1 pixel."""
        scale = self.input_size / max(self.width, self.height)
        return max(1, int(self.width * scale + 0.5)), max(1, int(self.height * scale + 0.5))

    @property
    def scale(self) -> tuple[float, float]:
        """Input pixels per image pixel along (x, y); they differ a little because sizes are whole pixels."""
        w, h = self.resized
        return w / self.width, h / self.height

    def points_to_input(self, points: Tensor) -> Tensor:
        """(..., 2) points from the image frame to the input frame."""
        return points * points.new_tensor(self.scale)

    def points_to_image(self, points: Tensor) -> Tensor:
        """(..., 2) points from the input frame to the image frame."""
        return points / points.new_tensor(self.scale)

    def boxes_to_input(self, boxes: Tensor) -> Tensor:
        """(..., 4) boxes (x0, y0, x1, y1) from the image frame to the input frame."""
        return boxes * boxes.new_tensor(self.scale * 2)

    def logits_to_image(self, logits: Tensor) -> Tensor:
        """Mask logits (N, M, l, l) in the low-res frame to (N, M, H, W) in the image frame.

        As SAM does it: bilinear to the input square, cut the padding off, bilinear to the image.
        """
        w, h = self.resized
        square = F.interpolate(logits, (self.input_size, self.input_size), mode="bilinear", align_corners=False)
        return F.interpolate(square[..., :h, :w], (self.height, self.width), mode="bilinear", align_corners=False)

    def masks_to_low_res(self, masks: Tensor, side: int) -> Tensor:
        """Masks (N, H, W), bool or float, to the share of each low-res cell they cover, (N, side, side) in 0..1.

        Bilinear with antialiasing into the input square, then the mean of each cell. Both are linear along rows and
        along columns, so that each mask takes two matrix products, over its own bounding box alone.
        """
        w, h = self.resized
        across = _line_to_cells(self.width, w, self.input_size, side).to(masks.device)
        down = _line_to_cells(self.height, h, self.input_size, side).to(masks.device)
        found = torch.zeros(len(masks), side, side, device=masks.device)
        for mask, cells in zip(masks, found, strict=True):
            rows, columns = (_extent(mask.any(axis)) for axis in (1, 0))
            cells.copy_(down[:, rows] @ mask[rows, columns].float() @ across[:, columns].T)
        # The sums of products miss 0 and 1 by rounding, and what is just below 1 would pass for a boundary.
        found[found < ROUNDING] = 0.0
        found[found > 1 - ROUNDING] = 1.0
        return found

    def valid_cells(self, side: int) -> Tensor:
        """Low-res cells that hold picture rather than padding, (side, side) bool; at least one row and column."""
        w, h = self.resized
        step = self.input_size / side
        centres = (torch.arange(side) + 0.5) * step
        across, down = centres < w, centres < h
        across[0] = down[0] = True
        return down[:, None] & across[None, :]


@lru_cache(maxsize=16)
def _line_to_cells(length: int, resized: int, input_size: int, side: int) -> Tensor:
    """(side, length): what each of a line's pixels gives to each low-res cell of the line."""
    places = torch.arange(length)
    parts = []
    for some in places.tensor_split(math.ceil(length / 256)):  # all at once, a large photo would take a gigabyte
        alone = (places[:, None] == some).float()[None, None]
        lines = F.interpolate(alone, (resized, len(some)), mode="bilinear", antialias=True)
        lines = F.pad(lines, (0, 0, 0, input_size - resized))
        parts.append(F.adaptive_avg_pool2d(lines, (side, len(some)))[0, 0])
    return torch.cat(parts, dim=1)


def _extent(used: Tensor) -> slice:
    """From the first True of (n,) to the last; empty where there is none."""
    places = used.nonzero()
    return slice(0, 0) if len(places) == 0 else slice(int(places[0]), int(places[-1]) + 1)
