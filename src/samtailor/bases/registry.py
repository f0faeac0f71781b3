"""Load a base by the name that a user types. Imports no torch until then, so that help texts are instant."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from samtailor.bases.input_size import split_size
from samtailor.bases.mobile_sam import NAME as DEFAULT_BASE
from samtailor.bases.sources import base_name, check_base, weight_file_of
from samtailor.machine.arguments import AnyPath

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
        "FILE": "a published checkpoint of SAM, HQ-SAM, SAM 2 or MobileSAM, such as sam_vit_b_01ec64.pth",
        "FOLDER": "a model that transformers saved in a local folder",
        "OWNER/NAME": "a model on the Hugging Face hub, such as facebook/sam-vit-base; samtailor bases lists families",
        "BASE@SIZE": "SAM or MobileSAM with smaller images, such as mobile-sam@512: faster and coarser",
    }


def load_base(
    name: AnyPath | Base = DEFAULT_BASE,
    device: str | int | torch.device | None = "auto",
    reference_decoder: bool = False,
) -> Base:
    """Load a base.

    Args:
        name: ``mobile-sam`` (bundled); a weight file as it was published or as a training script saved it, of SAM,
            HQ-SAM, SAM 2 or MobileSAM (its tensors tell which); a local folder that transformers saved; or a hub id
            such as ``facebook/sam-vit-base``. ``@512`` at its end lets SAM and MobileSAM see images of at most 512
            pixels. A base that is loaded already is returned as it is.
        device: where it computes: auto (CUDA if there is one, then MPS, then the CPU), cpu, cuda, cuda:1, mps.
        reference_decoder: decode with transformers' own forward pass instead of the equal ``fast_decode``.

    Raises:
        ArgumentError: ``name`` or ``device`` is of a wrong type.
        BaseModelError: the base does not exist, or its weights cannot be read or do not fit.
        SamtailorError: the device is unknown or not available.
    """
    if not isinstance(name, str | os.PathLike):
        from samtailor.bases.base import Base

        if isinstance(name, Base):
            return name
    text = base_name(name)
    check_base(text)
    text, size = split_size(text)

    from samtailor.machine.device import choose_device
    from samtailor.machine.undisturbed import undisturbed

    chosen = choose_device(device)
    with undisturbed():
        base = _load(text)
        base.reference_decoder = reference_decoder
        if size is not None:
            base.resize_input(size)
        return base.to(chosen)


def _load(text: str) -> SamBase:
    if text == DEFAULT_BASE:
        from samtailor.bases.mobile_sam.load import load_mobile_sam

        return load_mobile_sam()
    if file := weight_file_of(text):
        from samtailor.bases.published import load_published

        return load_published(file)
    from samtailor.bases.pretrained import read_pretrained

    name, family, model = read_pretrained(text)
    base: SamBase = import_module(f"samtailor.bases.{family.room}.load").build(name, model, text)
    return base
