"""Fine-tuning of the mask decoder without the MLPs of its layers, which have over half of its parameters."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from samtailor.adapters.decoder import DecoderTuning

__all__ = ["DecoderLite"]


class DecoderLite(DecoderTuning):
    """``DecoderTuning`` with ``mlps`` 0; trains attention, norms, tokens, upscaling and heads: 1,536,004 parameters.

    Args:
        tuned: a copy of the base's mask decoder.
    """

    method: ClassVar[str] = "decoder-lite"

    def __init__(self, tuned: nn.Module) -> None:
        super().__init__(tuned, mlps=0)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.tuned.hidden_size}
