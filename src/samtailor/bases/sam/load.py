"""Load SAM (Kirillov et al. 2023, arXiv 2304.02643) in any size, from the hub or a folder that transformers saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samtailor.bases.hub import hub_answers
from samtailor.bases.sam.base import SamBase, fingerprint_of
from samtailor.bases.sam.quiet import first_sentence, quiet
from samtailor.bases.sources import check_base
from samtailor.bases.weights import check_finite
from samtailor.errors import BaseModelError

__all__ = ["load_sam"]


class _VisionEncoder(nn.Module):
    """transformers' encoder, which returns a plain tensor (B, D, h, w)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        embedding: Tensor = self.model(x)[0]
        return embedding

    @torch.no_grad()
    def resize_input(self, size: int, cell: int) -> None:
        """Interpolate the absolute positions; transformers interpolates the relative ones itself."""
        model: Any = self.model
        model.patch_embed.image_size = (size, size)
        if model.pos_embed is not None:  # (1, h, w, D)
            maps = model.pos_embed.permute(0, 3, 1, 2)
            smaller = F.interpolate(maps, (size // cell,) * 2, mode="bicubic", align_corners=False, antialias=True)
            model.pos_embed = nn.Parameter(smaller.permute(0, 2, 3, 1).contiguous(), requires_grad=False)


def load_sam(source: str) -> SamBase:
    """Load a SAM checkpoint in safetensors.

    Args:
        source: a local folder that ``SamModel.save_pretrained`` wrote, or a hub id (``facebook/sam-vit-base``).

    Raises:
        BaseModelError: it cannot be found or reached, is not a SAM, or has missing or unexpected weights.
    """
    local = Path(source).expanduser()
    name = str(local.resolve()) if local.is_dir() else source
    check_base(name)
    here = local.is_dir() or not hub_answers()  # then nothing asks the hub
    with quiet():
        try:
            loaded = _load(name, here)
        except BaseModelError:
            raise
        except Exception as error:  # transformers and the hub's client raise many kinds; some advise unsafe loading
            raise _unreachable(source, local, first_sentence(error)) from None
    model, info = loaded
    model.float()  # images are float32; a checkpoint may be in half precision
    _check_loading(source, info)
    check_finite(model.state_dict(), source)
    fingerprint = fingerprint_of(model.state_dict())
    return SamBase(name, _VisionEncoder(model.vision_encoder), model.prompt_encoder, model.mask_decoder, fingerprint)


def _load(name: str, here: bool) -> Any:
    from transformers import SamModel

    _check_kind(name, here)
    return SamModel.from_pretrained(
        name,
        use_safetensors=True,
        output_loading_info=True,
        attn_implementation="sdpa",
        trust_remote_code=False,
        local_files_only=here,
    )


def _check_kind(source: str, here: bool) -> None:
    """Refuse other models. A config that names code of its own is refused without asking and without running it."""
    from transformers import AutoConfig, PretrainedConfig

    settings, _ = PretrainedConfig.get_config_dict(source, local_files_only=here)
    if settings.get("auto_map"):
        raise BaseModelError(
            f"The config of {source} asks to run code of its own (auto_map); samtailor never runs such code.",
            "Use a SAM checkpoint of the type 'sam', whose config has no auto_map.",
        )
    if not settings.get("model_type"):
        raise BaseModelError(
            f"The config of {source} does not say what kind of model it is (model_type); expected type 'sam'.",
            "Choose a SAM checkpoint that SamModel.save_pretrained wrote.",
        )
    kind = AutoConfig.from_pretrained(source, trust_remote_code=False, local_files_only=here).model_type
    if kind != "sam":
        raise BaseModelError(
            f"{source} holds a model of type {kind!r}; expected type 'sam'.", "Choose a SAM checkpoint."
        )


def _check_loading(source: str, info: dict[str, Any]) -> None:
    faults = {
        k: sorted(map(str, v))
        for k, v in info.items()
        if v and k in ("missing_keys", "unexpected_keys", "mismatched_keys")
    }
    if faults:
        parts = [f"{len(v)} {k.replace('_', ' ')} ({', '.join(v[:3])})" for k, v in faults.items()]
        raise BaseModelError(
            f"The weights of {source} do not fit SAM: {'; '.join(parts)}.", "Download the checkpoint again."
        )


def _unreachable(source: str, local: Path, cause: str) -> BaseModelError:
    if local.is_dir():
        return BaseModelError(
            f"The folder {source} cannot be read as a SAM checkpoint: {cause}",
            "Expected config.json and model.safetensors, as SamModel.save_pretrained writes them.",
        )
    return BaseModelError(
        f"The base {source!r} could not be loaded. Tried a local folder of that name (none exists), the local hub "
        f"cache, and the hub: {cause}",
        "Without a connection, fetch the model's config.json and model.safetensors on another machine and pass the "
        "folder's path as the base; or use mobile-sam, which is bundled.",
    )
