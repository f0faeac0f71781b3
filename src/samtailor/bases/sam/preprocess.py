"""SAM's preprocessing: resize the longer side to the input size, normalise, pad right and bottom with zeros."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from samtailor.frames import Frame

__all__ = ["PREPROCESSING", "padded_frame", "resized_to", "to_input"]

PREPROCESSING = "rgb; longer side by PIL bilinear; mean 123.675 116.28 103.53; std 58.395 57.12 57.375; zero pad"
"""Part of a base's fingerprint, because embeddings depend on the preprocessing."""

_MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
_STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)


def padded_frame(width: int, height: int, input_size: int, low_res_size: int) -> Frame:
    """Return the frame of an image whose longer side fills the square; see ``resized_to``."""
    return Frame(width, height, input_size, low_res_size, resized_to(width, height, input_size))


def resized_to(width: int, height: int, input_size: int) -> tuple[int, int]:
    """Return (width, height) after resizing the longer side to ``input_size``; each is at least 1 pixel."""
    scale = input_size / max(width, height)
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def to_input(images: Sequence[np.ndarray], input_size: int) -> Tensor:
    """Convert images (H, W, 3) uint8 RGB, of any sizes, to one (B, 3, input_size, input_size) float32 tensor."""
    batch = np.zeros((len(images), 3, input_size, input_size), dtype=np.float32)
    for row, image in zip(batch, images, strict=True):
        height, width = image.shape[:2]
        w, h = resized_to(width, height, input_size)
        resized = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR), dtype=np.float32)
        row[:, :h, :w] = ((resized - _MEAN) / _STD).transpose(2, 0, 1)
    return torch.from_numpy(batch)
