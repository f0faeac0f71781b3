"""Load a weight file as its authors published it, or as a training script saved it; its tensors tell the family."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from samtailor.bases.mobile_sam.load import load_mobile_sam
from samtailor.bases.pretrained import read_pretrained
from samtailor.bases.sam.quiet import quiet
from samtailor.bases.weights import check_finite, read_weights
from samtailor.errors import BaseModelError

if TYPE_CHECKING:
    from samtailor.bases.sam.base import SamBase

__all__ = ["load_published", "room_of"]

_WHOLE = "Give the complete checkpoint, with the image encoder, the prompt encoder and the mask decoder."
_FOLDER = "Give transformers' folder or hub id of this model instead; `samtailor bases` lists what can be loaded."


def load_published(path: Path) -> SamBase:
    """Load a weight file.

    Args:
        path: a ``.safetensors`` file or a PyTorch checkpoint, of SAM, HQ-SAM, SAM 2 or MobileSAM. A file of a folder
            that transformers saved means the folder.

    Raises:
        BaseModelError: it cannot be read, is of no known family, or its tensors do not fit.
    """
    if path.name.startswith("model") and path.suffix == ".safetensors" and (path.parent / "config.json").is_file():
        name, family, model = read_pretrained(str(path.parent))
        return _build(family.room, name, model, str(path))
    tensors = read_weights(path)
    room = room_of(tensors, path)
    if room == "mobile_sam":
        return load_mobile_sam(path, tensors)
    check_finite(tensors, path)
    with quiet():
        model = import_module(f"samtailor.bases.{room}.published").model_of(tensors, str(path))
    return _build(room, str(path.expanduser().resolve()), model, str(path))


def _build(room: str, name: str, model: object, source: str) -> SamBase:
    base: SamBase = import_module(f"samtailor.bases.{room}.load").build(name, model, source)
    return base


def room_of(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Tell the family by the tensors' names, and return its room.

    Raises:
        BaseModelError: the family is unknown, cannot be loaded from a file, or parts are missing.
    """

    def has(*starts: str) -> bool:
        return any(name.startswith(starts) for name in tensors)

    def refuse(what: str, hint: str) -> BaseModelError:
        return BaseModelError(f"The weight file {path} {what}.", hint)

    if has("detector.", "tracker."):
        raise refuse("is a SAM 3 as its authors published it, which is not read", _FOLDER)
    if has("sam_mask_decoder.", "memory_attention.", "memory_encoder."):
        missing = [p for p in ("image_encoder.", "sam_prompt_encoder.", "sam_mask_decoder.") if not has(p)]
        if missing:
            raise refuse(
                f"holds parts of a SAM 2 that serve videos, but not {', '.join(p[:-1] for p in missing)}", _WHOLE
            )
        if has("image_encoder.trunk.body."):
            raise refuse("is an EdgeTAM as its authors published it, which is not read", _FOLDER)
        return "sam2"
    if has("vision_encoder."):
        raise refuse("has the names of transformers, but no config.json is beside it", _FOLDER)
    parts = ("image_encoder.", "prompt_encoder.", "mask_decoder.")
    missing = [part[:-1] for part in parts if not has(part)]
    if len(missing) == len(parts):
        held = ", ".join(list(tensors)[:3])
        raise refuse(
            f"is no known segmentation model; its tensors are {held}{', ...' if len(tensors) > 3 else ''}",
            "Expected SAM, HQ-SAM, SAM 2 or MobileSAM; `samtailor bases` lists what can be loaded.",
        )
    if missing:
        raise refuse(f"holds a part of a SAM; {', '.join(missing)} is missing", _WHOLE)
    small = has("image_encoder.layers.", "image_encoder.patch_embed.seq.")
    if has("mask_decoder.hf_token."):
        if small:
            raise refuse("is a Light HQ-SAM, whose image encoder is not supported", _FOLDER)
        return "sam_hq"
    return "mobile_sam" if small else "sam"
