"""Load a base by the name that a user types. Imports no torch until then, so that help texts are instant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from samtailor.bases.mobile_sam import NAME as DEFAULT_BASE
from samtailor.errors import BaseModelError

if TYPE_CHECKING:
    import torch

    from samtailor.bases.base import Base
    from samtailor.bases.sam.base import SamBase

__all__ = ["DEFAULT_BASE", "list_bases", "load_base"]


def list_bases() -> dict[str, str]:
    """Return what ``load_base`` and the command line's ``--base`` accept, with a description of each.

    Words in capitals stand for a name of your own.

    Returns:
        accepted name -> description.
    """
    return {
        DEFAULT_BASE: "MobileSAM, bundled with samtailor",
        f"{DEFAULT_BASE}:FILE": "a MobileSAM checkpoint, .pt or .safetensors",
        "FOLDER": "a SAM that transformers saved in a local folder",
        "OWNER/NAME": "a SAM on the Hugging Face hub, such as facebook/sam-vit-base",
    }


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
    if family == DEFAULT_BASE:
        from samtailor.bases.mobile_sam.load import load_mobile_sam

        base: SamBase = load_mobile_sam(Path(path).expanduser() if path else None)
    elif Path(name).suffix in (".pt", ".pth", ".safetensors"):
        raise BaseModelError(
            f"{name!r} is a file; expected the name of a base, a folder or a hub id.",
            f"For a MobileSAM checkpoint write {DEFAULT_BASE}:{name}.",
        )
    else:
        from samtailor.bases.sam.load import load_sam

        base = load_sam(name)
    base.reference_decoder = reference_decoder
    return base.to(device)
