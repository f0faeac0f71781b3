"""Load a base by the name that a user types."""

from __future__ import annotations

from pathlib import Path

import torch

from samtailor.bases.base import Base
from samtailor.bases.mobile_sam import load as mobile_sam
from samtailor.bases.sam.base import SamBase
from samtailor.errors import BaseModelError

__all__ = ["DEFAULT_BASE", "load_base"]

DEFAULT_BASE = mobile_sam.NAME


def load_base(name: str = DEFAULT_BASE, device: str | torch.device = "cpu", reference_decoder: bool = False) -> Base:
    """Load a base.

    Args:
        name: ``mobile-sam`` (bundled), ``mobile-sam:FILE`` (a MobileSAM checkpoint, .pt or .safetensors),
            a local folder that transformers saved, or a hub id such as ``facebook/sam-vit-base``.
        device: device of the base.
        reference_decoder: decode with transformers' own forward pass instead of the equal ``fast_decode``.

    Raises:
        BaseModelError: the base does not exist, or its weights cannot be read or do not fit.
    """
    family, _, path = name.partition(":")
    if family == mobile_sam.NAME:
        base: SamBase = mobile_sam.load_mobile_sam(Path(path).expanduser() if path else None)
    elif Path(name).suffix in (".pt", ".pth", ".safetensors"):
        raise BaseModelError(
            f"{name!r} is a file; expected the name of a base, a folder or a hub id.",
            f"For a MobileSAM checkpoint write mobile-sam:{name}.",
        )
    else:
        from samtailor.bases.sam.load import load_sam

        base = load_sam(name)
    base.reference_decoder = reference_decoder
    return base.to(device)
