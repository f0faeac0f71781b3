"""Coordinate frames, and every conversion between them.

* image: pixels of the original image, (x, y), x right, y down, pixel centres at +0.5.
* input: pixels of the square that a base's encoder sees; the image fills its top left part, or all of it.
* low-res: the square grid of a base's mask logits; it covers the same area as the input square.

A base makes the frame of an image: ``base.frame(width, height)``.
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
    """Placement of one image in the square input of a base.

    Attributes:
        width: of the image, pixels.
        height: of the image, pixels.
        input_size: side of the input square, pixels.
        low_res_size: side of the low-res square, low-res pixels.
        resized: (width, height) of the image inside the input square, pixels; the rest of the square is padding.
    """

    width: int
    height: int
    input_size: int
    low_res_size: int
    resized: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Input pixels per image pixel along (x, y).

        The two differ if a base squashes images to a square, and slightly by rounding to whole pixels otherwise.
        """
        w, h = self.resized
        return w / self.width, h / self.height

    def points_to_input(self, points: Tensor) -> Tensor:
        """Convert (..., 2) points from the image frame to the input frame."""
        return points * points.new_tensor(self.scale)

    def points_to_image(self, points: Tensor) -> Tensor:
        """Convert (..., 2) points from the input frame to the image frame."""
        return points / points.new_tensor(self.scale)

    def low_res_to_image(self, points: Tensor) -> Tensor:
        """Convert (..., 2) points from the low-res frame to the image frame, and move those in the padding inside."""
        moved = self.points_to_image(points * (self.input_size / self.low_res_size))
        return moved.minimum(moved.new_tensor([self.width, self.height]))

    def boxes_to_input(self, boxes: Tensor) -> Tensor:
        """Convert (..., 4) boxes (x0, y0, x1, y1) from the image frame to the input frame."""
        return boxes * boxes.new_tensor(self.scale * 2)

    def logits_to_image(self, logits: Tensor) -> Tensor:
        """Resize mask logits (N, M, l, l) from the low-res frame to (N, M, H, W) in the image frame.

        Follows SAM: resize to the input square, cut off the padding, resize to the image; both steps are bilinear.
        """
        w, h = self.resized
        square = F.interpolate(logits, (self.input_size, self.input_size), mode="bilinear", align_corners=False)
        return F.interpolate(square[..., :h, :w], (self.height, self.width), mode="bilinear", align_corners=False)

    def masks_to_low_res(self, masks: Tensor) -> Tensor:
        """Convert masks (N, H, W), bool or float, to the share of each low-res pixel that they cover.

        Bilinear with antialiasing into the input square, then the mean over each low-res pixel. Both steps are linear
        along rows and along columns, so each mask takes two matrix products over its bounding box.

        Returns:
            (N, l, l) float32 in 0..1.
        """
        w, h = self.resized
        side = self.low_res_size
        across = _axis_to_low_res(self.width, w, self.input_size, side).to(masks.device)
        down = _axis_to_low_res(self.height, h, self.input_size, side).to(masks.device)
        shares = torch.zeros(len(masks), side, side, device=masks.device)
        for mask, share in zip(masks, shares, strict=True):
            rows, columns = (_extent(mask.any(axis)) for axis in (1, 0))
            share.copy_(down[:, rows] @ mask[rows, columns].float() @ across[:, columns].T)
        # Rounding leaves values slightly off 0 and 1; a value slightly below 1 would count as a boundary.
        shares[shares < ROUNDING] = 0.0
        shares[shares > 1 - ROUNDING] = 1.0
        return shares

    def valid_low_res(self) -> Tensor:
        """Mark the low-res pixels that show the image, not padding: (l, l) bool; at least one row and one column."""
        w, h = self.resized
        step = self.input_size / self.low_res_size
        centres = (torch.arange(self.low_res_size) + 0.5) * step
        across, down = centres < w, centres < h
        across[0] = down[0] = True
        return down[:, None] & across[None, :]


@lru_cache(maxsize=16)
def _axis_to_low_res(length: int, resized: int, input_size: int, side: int) -> Tensor:
    """Return the matrix (side, length) that converts one row or column of an image to low-res pixels."""
    positions = torch.arange(length)
    parts = []
    for chunk in positions.tensor_split(math.ceil(length / 256)):  # a large photo at once would take a gigabyte
        unit_lines = (positions[:, None] == chunk).float()[None, None]
        lines = F.interpolate(unit_lines, (resized, len(chunk)), mode="bilinear", antialias=True)
        lines = F.pad(lines, (0, 0, 0, input_size - resized))
        parts.append(F.adaptive_avg_pool2d(lines, (side, len(chunk)))[0, 0])
    return torch.cat(parts, dim=1)


def _extent(used: Tensor) -> slice:
    """Return the range from the first True of (n,) to the last; empty if there is none."""
    positions = used.nonzero()
    return slice(0, 0) if len(positions) == 0 else slice(int(positions[0]), int(positions[-1]) + 1)
