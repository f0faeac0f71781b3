"""Copies of a base's mask decoder, for methods that change the decoder itself."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn

from samtailor.bases.base import Base
from samtailor.errors import AdapterError

__all__ = ["copy_decoder", "interpolate"]


def copy_decoder(method: str, base: Base) -> Any:
    """Return a frozen copy of the base's mask decoder.

    Raises:
        AdapterError: the base has no decoder to tune.
    """
    decoder = base.tunable_decoder()
    if decoder is None:
        raise AdapterError(
            f"The method {method!r} tunes the mask decoder; the decoder of the base {base.name!r} cannot be tuned.",
            "Choose a method that changes prompt tokens, such as plm, or another base.",
        )
    return deepcopy(decoder).requires_grad_(False)


@torch.no_grad()
def interpolate(start: nn.Module, end: nn.Module, share: float) -> nn.Module:
    """Copy ``start`` and move its parameters by ``share`` (0..1) towards those of ``end``, which has the same names."""
    module = deepcopy(start)
    for parameter, target in zip(module.parameters(), end.parameters(), strict=True):
        parameter.lerp_(target, share)
    return module
