"""Fine-tuning of the mask decoder without the MLPs of its layers, which have over half of its parameters."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from samtailor.adapters.contract import Changes
from samtailor.adapters.decoder import DecoderTuning
from samtailor.adapters.image_residual import build_residual
from samtailor.bases.base import Embeddings

__all__ = ["DecoderLite"]


class DecoderLite(DecoderTuning):
    """``DecoderTuning`` with ``mlps`` 0; trains attention, norms, tokens, upscaling and heads: 1,536,004 parameters.

    Args:
        tuned: a copy of the base's mask decoder.
        image_residual: channels of an ``ImageResidual`` on the embedding; 0 leaves the embedding as it is.

    Raises:
        AdapterError: ``image_residual`` is negative.
    """

    method: ClassVar[str] = "decoder-lite"

    def __init__(self, tuned: Any, image_residual: int = 0) -> None:
        super().__init__(tuned, mlps=0)
        self.residual = build_residual(int(tuned.hidden_size), image_residual)

    @property
    def config(self) -> dict[str, Any]:
        return {
            "width": self.tuned.hidden_size,
            "image_residual": 0 if self.residual is None else self.residual.channels,
        }

    def changes(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor) -> Changes:
        embeddings = embeddings if self.residual is None else self.residual(embeddings)
        return Changes(embeddings, sparse, None, self.tuned)
