"""Linear layers with weights in oneDNN's own layout, whose product is faster on current CPUs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["pack_linears"]


class _Packed(nn.Module):
    """A frozen linear layer that uses oneDNN for float32 on a CPU, and PyTorch otherwise.

    Args:
        linear: the layer to compute.
        activation: ``none`` or ``gelu``, applied while the result is in the CPU's cache.
    """

    def __init__(self, linear: nn.Linear, activation: str) -> None:
        super().__init__()
        self.linear, self.activation = linear, activation
        self._packed: Tensor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None}  # oneDNN's layout belongs to this process

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.linear.weight, self.linear.bias
        plain = x.device.type != "cpu" or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu")
        if plain or torch.is_grad_enabled():
            output = F.linear(x, weight, bias)
            return F.gelu(output) if self.activation == "gelu" else output
        if self._packed is None:
            self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)
        fused: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, bias, self.activation, [], "none")
        return fused


def pack_linears(module: nn.Module) -> None:
    """Replace the linear layers inside ``module``, and fuse a GELU that follows ``fc1`` as ``act`` of an MLP.

    Does nothing if PyTorch lacks oneDNN's product, which has no public name; torch.compile calls the same function.
    """
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):  # type: ignore[no-untyped-call]
        return
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                with_gelu = name == "fc1" and isinstance(getattr(parent, "act", None), nn.GELU)
                setattr(parent, name, _Packed(child, "gelu" if with_gelu else "none"))
                if with_gelu:
                    parent.act = nn.Identity()
