"""Low-rank changes of the mask decoder's attention (LoRA, Hu et al. 2021, arXiv 2106.09685), with ``peft``."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar, Self

from torch import nn

from samtailor.adapters.contract import Adapter, with_base_sizes
from samtailor.adapters.decoder_copies import copy_decoder
from samtailor.bases.base import Base

__all__ = ["LoRA"]


class LoRA(Adapter):
    """Adds B A to the weight W of every attention projection in a copy of the mask decoder. Identity before training.

    A (rank, in) starts random, B (out, rank) starts at zero, and their product is not scaled. With rank 4, SAM's
    decoder gets 47,104 parameters.

    Args:
        tuned: a copy of the base's mask decoder; it receives the matrices.
        rank: rank of every change.
    """

    method: ClassVar[str] = "lora"
    peak_rate: ClassVar[float] = 5e-3  # 1.5e-3 did worse, 0.01 no better (experiments/results/rates.md)
    chooses_token: ClassVar[bool] = True

    def __init__(self, tuned: nn.Module, rank: int = 4) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        super().__init__()
        self.rank = rank
        targets = ["q_proj", "k_proj", "v_proj", "out_proj"]
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=targets)
        self.tuned: nn.Module = inject_adapter_in_model(config, tuned)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        for parameter in self.owned_parameters().values():
            parameter.requires_grad_(True)

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        options = {k: v for k, v in with_base_sizes(cls.method, base, config).items() if k != "width"}
        return cls(copy_decoder(cls.method, base), **options)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.tuned.hidden_size, "rank": self.rank}

    @property
    def decoder(self) -> nn.Module:
        return self.tuned

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.named_parameters() if ".lora_" in name}

    def decoder_at(self, strength: float, base: Base) -> nn.Module:
        weakened = deepcopy(self.tuned)
        for name, parameter in weakened.named_parameters():
            if ".lora_B." in name:
                parameter.data.mul_(strength)
        return weakened
