"""The PLM and LoRA together: an offset on the prompt tokens and low-rank changes of the mask decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from samtailor.adapters.contract import Adapter
from samtailor.adapters.lora import LoRA
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base, Embeddings

__all__ = ["PlmLoRA"]


class PlmLoRA(Adapter):
    """PLM and LoRA, trained together; 1,578,752 + 47,104 parameters by default. Identity before training.

    Each has its own learning rate. A rate that the user sets is the LoRA's, and the PLM gets the same share of it.

    Args:
        plm: changes the prompt tokens.
        lora: changes a copy of the decoder.
    """

    method: ClassVar[str] = "plm+lora"
    peak_rate: ClassVar[float] = LoRA.peak_rate
    chooses_token: ClassVar[bool] = True

    def __init__(self, plm: PLM, lora: LoRA) -> None:
        super().__init__()
        self.plm, self.lora = plm, lora

    @classmethod
    def for_base(cls, base: Base, *, rank: int = 4, **sizes: Any) -> Self:
        """Build both parts; ``rank`` is the LoRA's, ``sizes`` are the PLM's."""
        return cls(PLM.for_base(base, **sizes), LoRA.for_base(base, rank=rank))

    @classmethod
    def options(cls, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return PLM.options() | LoRA.options()

    @property
    def config(self) -> dict[str, Any]:
        return {**self.plm.config, "rank": self.lora.rank}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        tokens: Tensor = self.plm(sparse, embeddings, positions, kinds)
        return tokens

    @property
    def decoder(self) -> nn.Module:
        return self.lora.decoder

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        plm = {f"plm.{name}": p for name, p in self.plm.owned_parameters().items()}
        return plm | {f"lora.{name}": p for name, p in self.lora.owned_parameters().items()}

    def rate_share(self, name: str) -> float:
        return 1.0 if name.startswith("lora.") else PLM.peak_rate / LoRA.peak_rate

    def decoder_at(self, strength: float, base: Base) -> nn.Module:
        return self.lora.decoder_at(strength, base)
