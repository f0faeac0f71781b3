"""Run the frozen encoder on an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from samtailor.embeddings.entry import Shapes
from samtailor.errors import BaseModelError
from samtailor.machine.forks import before_computing
from samtailor.machine.undisturbed import undisturbed

__all__ = ["Encoder", "run_encoder"]


class Encoder(Protocol):
    """The part of a base (``samtailor.bases.base.Base``) that the store needs."""

    name: str
    fingerprint: str

    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Embed B images, each (H, W, 3) uint8 RGB; returns named tensors whose first axis is B."""

    def embedding_shapes(self) -> Shapes:
        """Return name -> shape, without the batch axis, of what ``encode`` returns."""


def run_encoder(base: Encoder, image: np.ndarray) -> dict[str, Tensor]:
    """Run the encoder on one image, without gradients and outside any autocast or inference mode of the caller.

    An embedding is stored for everyone, so it depends on the image and the base alone. Images are encoded one at a
    time, because the numbers of a batch depend on its size.

    Args:
        base: the frozen base.
        image: (H, W, 3) uint8 RGB.

    Returns:
        Named tensors without the batch axis, on the base's device.

    Raises:
        BaseModelError: the encoder's output does not have the shapes that the base states.
        ForkError: this process was forked after its parent computed.
    """
    before_computing()
    with undisturbed(), torch.no_grad():
        embeddings = base.encode([image])
    shapes = {name: tuple(tensor.shape) for name, tensor in embeddings.items()}
    expected = {name: (1, *shape) for name, shape in base.embedding_shapes().items()}
    if shapes != expected:
        raise BaseModelError(
            f"The base {base.name!r} returned {shapes} for 1 image; expected {expected}.",
            "Fix its encode() or its embedding_shapes(); samtailor/bases/base.py documents them.",
        )
    return {name: tensor[0] for name, tensor in embeddings.items()}
