"""Run the frozen encoder on some images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from samtailor.errors import BaseModelError
from samtailor.machine.undisturbed import undisturbed

__all__ = ["Encoder", "run_encoder"]


class Encoder(Protocol):
    """The part of a base (``samtailor.bases.base.Base``) that the cache needs."""

    name: str
    fingerprint: str

    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Embed B images, each (H, W, 3) uint8 RGB; returns named tensors whose first axis is B."""


def run_encoder(base: Encoder, images: Sequence[np.ndarray]) -> list[dict[str, Tensor]]:
    """Run the encoder without gradients, whatever PyTorch settings the caller has, and split its output by image.

    An embedding depends on the image and the base alone, because it is stored for everyone.

    Args:
        base: the frozen base.
        images: B arrays, each (H, W, 3) uint8 RGB.

    Returns:
        One dict of named tensors per image, without the batch axis, on the base's device.

    Raises:
        BaseModelError: the encoder's output does not have B rows.
    """
    with undisturbed(), torch.no_grad():
        embeddings = base.encode(images)
    shapes = {name: tuple(tensor.shape) for name, tensor in embeddings.items()}
    if not shapes or any(shape[:1] != (len(images),) for shape in shapes.values()):
        raise BaseModelError(
            f"The base {base.name!r} returned {shapes} for {len(images)} image(s); "
            f"the first axis must be {len(images)}.",
            "Fix its encode(); samtailor/bases/base.py documents what it returns.",
        )
    return [{name: tensor[row] for name, tensor in embeddings.items()} for row in range(len(images))]
