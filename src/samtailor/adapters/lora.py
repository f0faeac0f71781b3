"""Low-rank changes of the mask decoder's attention (LoRA, Hu et al. 2021, arXiv 2106.09685), made by ``peft``."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar, Self

from torch import nn

from samtailor.adapters.contract import Adapter, agreed
from samtailor.adapters.tuned import copy_decoder
from samtailor.bases.base import Base

__all__ = ["LoRA"]


class LoRA(Adapter):
    """W + B A in the four projections of every attention in a copy of the mask decoder. Identity before training.

    A (rank, in) starts random, B (out, rank) at zero; nothing scales their product. With rank 4 and SAM's decoder these
    are 47,104 parameters.

    Args:
        tuned: a copy of the base's mask decoder; gets the matrices.
        rank: of every change.
    """

    method: ClassVar[str] = "lora"
    trains: ClassVar[str] = "low-rank changes of the mask decoder's attention (LoRA, rank 4)"
    peak_rate: ClassVar[float] = 5e-3  # 1.5e-3 did worse, 0.01 no better (experiments/results/rates.md)
    chooses_token: ClassVar[bool] = True

    def __init__(self, tuned: nn.Module, rank: int = 4) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        super().__init__()
        self.rank = rank
        targets = ["q_proj", "k_proj", "v_proj", "out_proj"]
        wanted = LoraConfig(r=rank, lora_alpha=rank, target_modules=targets)
        self.tuned: nn.Module = inject_adapter_in_model(wanted, tuned)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        for parameter in self.owned_parameters().values():
            parameter.requires_grad_(True)

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        own = {k: v for k, v in agreed(cls.method, {"width": base.embed_dim}, config).items() if k != "width"}
        return cls(copy_decoder(cls.method, base), **own)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.tuned.hidden_size, "rank": self.rank}

    @property
    def decoder(self) -> nn.Module:
        return self.tuned

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.named_parameters() if ".lora_" in name}

    def decoder_at(self, strength: float, base: Base) -> nn.Module:
        turned = deepcopy(self.tuned)
        for name, parameter in turned.named_parameters():
            if ".lora_B." in name:
                parameter.data.mul_(strength)
        return turned
