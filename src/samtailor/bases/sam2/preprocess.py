"""SAM 2's preprocessing: squash the image to a square, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.frames import Frame

__all__ = ["IMAGENET", "SYMMETRIC", "Normalisation", "SquashedFrame", "squashed_frame", "to_square"]


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of colours between 0 and 1, which pixels are normalised with."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def text(self) -> str:
        """Part of a base's fingerprint, because embeddings depend on the preprocessing."""
        mean, std = (" ".join(map(str, values)) for values in (self.mean, self.std))
        return f"rgb 0..1; square by antialiased bilinear of floats; mean {mean}; std {std}"


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SYMMETRIC = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class SquashedFrame(Frame):
    """The frame of an image that fills the whole square; masks are resized to the image in one step, as in SAM 2."""

    def logits_to_image(self, logits: Tensor) -> Tensor:
        return F.interpolate(logits, (self.height, self.width), mode="bilinear", align_corners=False)


def squashed_frame(width: int, height: int, input_size: int, low_res_size: int) -> Frame:
    """Return the frame of an image whose two sides fill the square."""
    return SquashedFrame(width, height, input_size, low_res_size, (input_size, input_size))


def to_square(images: Sequence[np.ndarray], input_size: int, normalisation: Normalisation) -> Tensor:
    """Convert images (H, W, 3) uint8 RGB, of any sizes, to one (B, 3, input_size, input_size) float32 tensor."""
    squares = [
        F.interpolate(
            torch.tensor(image).permute(2, 0, 1)[None].float() / 255,
            (input_size, input_size),
            mode="bilinear",
            antialias=True,
        )
        for image in images
    ]
    mean, std = (torch.tensor(values)[:, None, None] for values in (normalisation.mean, normalisation.std))
    return (torch.cat(squares) - mean) / std
