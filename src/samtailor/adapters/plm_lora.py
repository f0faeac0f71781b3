"""The PLM and low-rank changes of the mask decoder together: prompts that are moved, and a decoder that follows."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import Tensor, nn

from samtailor.adapters.contract import Adapter
from samtailor.adapters.lora import LoRA
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base, Embeddings

__all__ = ["PlmLoRA"]


class PlmLoRA(Adapter):
    """Both as they are alone, trained at once; 1,578,752 + 47,104 parameters by default. Identity before training.

    Each learns with its own rate; a rate that a fit is told is the LoRA's, and the PLM gets the same share of it.

    Args:
        plm: moves the prompt tokens.
        lora: changes a copy of the decoder.
    """

    method: ClassVar[str] = "plm+lora"
    trains: ClassVar[str] = "as plm, and as lora in the mask decoder"
    peak_rate: ClassVar[float] = LoRA.peak_rate
    chooses_token: ClassVar[bool] = True

    def __init__(self, plm: PLM, lora: LoRA) -> None:
        super().__init__()
        self.plm, self.lora = plm, lora

    @classmethod
    def for_base(cls, base: Base, *, rank: int = 4, **sizes: Any) -> Self:
        """``rank`` is the LoRA's, ``sizes`` the PLM's."""
        return cls(PLM.for_base(base, **sizes), LoRA.for_base(base, rank=rank))

    @classmethod
    def options(cls) -> dict[str, Any]:
        return PLM.options() | LoRA.options()

    @property
    def config(self) -> dict[str, Any]:
        return {**self.plm.config, "rank": self.lora.rank}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        moved: Tensor = self.plm(sparse, embeddings, positions, kinds)
        return moved

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
