"""The usual fine-tuning: the base's mask decoder, trained as a whole (SAM-F in arXiv 2403.09199, as summarised)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import nn

from samtailor.adapters.contract import Adapter, agreed
from samtailor.adapters.tuned import blended, copy_decoder
from samtailor.bases.base import Base
from samtailor.errors import AdapterError

__all__ = ["DecoderTuning"]


class DecoderTuning(Adapter):
    """A copy of the mask decoder takes the base's place; prompt tokens stay as they are. Identity before training.

    SAM's decoder has 4,058,340 parameters; 3,637,764 of them are trained and saved. Left as they are, because the loss
    never moves them: the hypernetworks of the three masks that the fit does not look at, and the biases of keys, which
    add one number to all scores of a query and cancel in the softmax. The three other masks still change, since they
    share everything else.

    Args:
        tuned: a copy of the base's mask decoder.
        mlps: 1, or 0 to leave the MLPs of the transformer's layers as they are: 1,536,004 parameters are then trained.

    Raises:
        AdapterError: ``mlps`` is something else.
    """

    method: ClassVar[str] = "decoder"
    trains: ClassVar[str] = "a copy of the mask decoder"
    chooses_token: ClassVar[bool] = True

    def __init__(self, tuned: nn.Module, mlps: int = 1) -> None:
        super().__init__()
        if mlps not in (0, 1):
            raise AdapterError(f"mlps is {mlps!r}.", "It must be 0 or 1.")
        self.tuned, self.mlps = tuned, mlps
        self.read_token(0)

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        own = {k: v for k, v in agreed(cls.method, {"width": base.embed_dim}, config).items() if k != "width"}
        return cls(copy_decoder(cls.method, base), **own)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.tuned.hidden_size, "mlps": self.mlps}

    @property
    def decoder(self) -> nn.Module:
        return self.tuned

    def read_token(self, token: int) -> None:
        super().read_token(token)
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
        return blended(copy_decoder(self.method, base), self.tuned, strength)
