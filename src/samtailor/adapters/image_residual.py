"""A small convolutional correction of the image embedding, the same for all prompts of an image."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from samtailor.bases.base import Embeddings
from samtailor.errors import AdapterError

__all__ = ["ImageResidual", "build_residual", "normalised"]


def normalised(image: Tensor) -> Tensor:
    """Normalise the channels of every cell of an embedding (B, D, h, w) to mean 0 and variance 1."""
    return F.layer_norm(image.permute(0, 2, 3, 1), (image.shape[1],)).permute(0, 3, 1, 2)


class ImageResidual(nn.Module):
    """Adds R(image) to the cached embedding: normalised cells, 1 x 1, depthwise 3 x 3, 1 x 1. R starts at zero.

    With 256 channels in and 112 between, it has 58,832 parameters.

    Args:
        width: D.
        channels: between the two 1 x 1 convolutions.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.enter = nn.Conv2d(width, channels, 1)
        self.around = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.leave = nn.Conv2d(channels, width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, embeddings: Embeddings) -> Embeddings:
        """Return the embeddings with a corrected ``image`` (B, D, h, w)."""
        image = embeddings["image"]
        hidden = F.gelu(self.around(F.gelu(self.enter(normalised(image)))))
        return {**embeddings, "image": image + self.leave(hidden)}


def build_residual(width: int, channels: int) -> ImageResidual | None:
    """Build a residual; None for 0 channels.

    Raises:
        AdapterError: ``channels`` is negative.
    """
    if channels < 0:
        raise AdapterError(
            f"The residual has {channels!r} channels; expected a whole number of 0 or more.", "Set 0 for none."
        )
    return ImageResidual(width, channels) if channels else None
