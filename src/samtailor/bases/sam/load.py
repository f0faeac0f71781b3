"""Load SAM (Kirillov et al. 2023, arXiv 2304.02643) in any size, from the hub or a folder that transformers saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from samtailor.bases.sam.base import SamBase, fingerprint_of
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


def load_sam(source: str) -> SamBase:
    """Load a SAM checkpoint in safetensors.

    Args:
        source: a local folder that ``SamModel.save_pretrained`` wrote, or a hub id (``facebook/sam-vit-base``).

    Raises:
        BaseModelError: it cannot be found or reached, is not a SAM, or has missing or unexpected weights.
    """
    from transformers import SamModel

    local = Path(source).expanduser()
    if not local.is_dir() and (local.is_absolute() or source.count("/") != 1):
        raise BaseModelError(
            f"There is no base {source!r}: it is neither a known name, nor a folder, nor a hub id like owner/model.",
            "Use mobile-sam, a hub id such as facebook/sam-vit-base, or the path of a folder with config.json and "
            "model.safetensors.",
        )
    name = str(local.resolve()) if local.is_dir() else source
    try:
        _check_kind(name)
        loaded: Any = SamModel.from_pretrained(
            name,
            use_safetensors=True,
            output_loading_info=True,
            attn_implementation="sdpa",
            trust_remote_code=False,
        )
    except BaseModelError:
        raise
    except Exception as error:  # transformers and the hub's client raise many kinds
        raise _unreachable(source, local, error) from error
    model, info = loaded
    model.float()  # images are float32; a checkpoint may be in half precision
    _check_loading(source, info)
    check_finite(model.state_dict(), source)
    fingerprint = fingerprint_of(model.state_dict())
    return SamBase(name, _VisionEncoder(model.vision_encoder), model.prompt_encoder, model.mask_decoder, fingerprint)


def _check_kind(source: str) -> None:
    """Refuse other models. A config that names code of its own is refused without asking and without running it."""
    from transformers import AutoConfig, PretrainedConfig

    settings, _ = PretrainedConfig.get_config_dict(source)
    if settings.get("auto_map"):
        raise BaseModelError(
            f"The config of {source} asks to run code of its own (auto_map); samtailor never runs such code.",
            "Use a SAM checkpoint of the type 'sam', whose config has no auto_map.",
        )
    kind = AutoConfig.from_pretrained(source, trust_remote_code=False).model_type
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


def _unreachable(source: str, local: Path, error: Exception) -> BaseModelError:
    cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
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
