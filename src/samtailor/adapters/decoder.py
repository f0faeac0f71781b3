"""Fine-tuning of the whole mask decoder (SAM-F in arXiv 2403.09199, as summarised)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import nn

from samtailor.adapters.contract import Adapter, with_base_sizes
from samtailor.adapters.decoder_copies import copy_decoder, interpolate
from samtailor.bases.base import Base
from samtailor.errors import AdapterError

__all__ = ["DecoderTuning"]


class DecoderTuning(Adapter):
    """Replaces the mask decoder by a trained copy; prompt tokens do not change. Identity before training.

    SAM's decoder has 4,058,340 parameters; 3,637,764 of them are trained and saved. The others have no gradient: the
    hypernetworks of the three masks that the fit does not use, and the biases of keys, which add one number to all
    scores of a query and cancel in the softmax. The three other masks still change, because they share all other
    parameters.

    Args:
        tuned: a copy of the base's mask decoder.
        mlps: 1, or 0 to freeze the MLPs of the transformer's layers; 1,536,004 parameters are then trained.

    Raises:
        AdapterError: ``mlps`` is neither 0 nor 1.
    """

    method: ClassVar[str] = "decoder"
    chooses_token: ClassVar[bool] = True

    def __init__(self, tuned: nn.Module, mlps: int = 1) -> None:
        super().__init__()
        if mlps not in (0, 1):
            raise AdapterError(f"mlps is {mlps!r}; expected 0 or 1.", "Set 0 to freeze the MLPs, or 1 to train them.")
        self.tuned, self.mlps = tuned, mlps
        self.use_token(0)

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        options = {k: v for k, v in with_base_sizes(cls.method, base, config).items() if k != "width"}
        return cls(copy_decoder(cls.method, base), **options)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.tuned.hidden_size, "mlps": self.mlps}

    @property
    def decoder(self) -> nn.Module:
        return self.tuned

    def use_token(self, token: int) -> None:
        super().use_token(token)
        self.tuned.requires_grad_(False)
        for parameter in self.owned_parameters().values():
            parameter.requires_grad_(True)

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        single = f"tuned.output_hypernetworks_mlps.{self.mask_token}."
        return {
            name: p
            for name, p in self.named_parameters()
            if not name.endswith("k_proj.bias")
            and (self.mlps or ".mlp." not in name)
            and (name.startswith(single) or not name.startswith("tuned.output_hypernetworks_mlps."))
        }

    def decoder_at(self, strength: float, base: Base) -> nn.Module:
        return interpolate(copy_decoder(self.method, base), self.tuned, strength)
