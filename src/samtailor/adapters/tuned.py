"""A copy of a base's mask decoder, for methods that change the decoder itself."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn

from samtailor.bases.base import Base
from samtailor.bases.sam.base import SamShapedBase
from samtailor.errors import AdapterError

__all__ = ["blended", "copy_decoder"]


def copy_decoder(method: str, base: Base) -> Any:
    """The base's mask decoder (a ``MaskDecoder``, or transformers' ``SamMaskDecoder``), copied, frozen.

    Raises:
        AdapterError: the base has no such decoder.
    """
    if not isinstance(base, SamShapedBase):
        raise AdapterError(
            f"The method {method!r} changes SAM's mask decoder; the base {base.name!r} is not SAM-shaped and has none.",
            "Choose a method that works on prompt tokens, such as plm, or another base.",
        )
    return deepcopy(base.mask_decoder).requires_grad_(False)


@torch.no_grad()
def blended(one: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """A copy of ``one``, its parameters moved by ``share`` (0..1) towards those of ``other``, which has the same."""
    made = deepcopy(one)
    for parameter, there in zip(made.parameters(), other.parameters(), strict=True):
        parameter.lerp_(there, share)
    return made
