"""Load SAM (Kirillov et al. 2023, arXiv 2304.02643) in any size, through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samtailor.bases.pretrained import read_pretrained
from samtailor.bases.sam.base import SamBase, fingerprint_of
from samtailor.bases.sam.parts import DecoderSizes, PromptEncoder
from samtailor.bases.weights import load_strictly

__all__ = ["build", "decoder_sizes", "load_part", "load_sam", "plain_prompt_encoder", "side_of"]


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
        BaseModelError: it cannot be found or reached, or has missing or unexpected weights.
    """
    name, _, model = read_pretrained(source)
    return build(name, model, source)


def build(name: str, model: Any, source: str) -> SamBase:
    """Make a base of transformers' ``SamModel``.

    Args:
        name: what the user typed.
        model: the model with its weights, float32.
        source: where the weights are, for messages.
    """
    fingerprint = fingerprint_of(model.state_dict())
    return SamBase(name, _VisionEncoder(model.vision_encoder), model.prompt_encoder, model.mask_decoder, fingerprint)


def decoder_sizes(config: Any, **changes: float) -> DecoderSizes:
    """Read the sizes of a mask decoder from transformers' config, with changes."""
    names = [field.name for field in fields(DecoderSizes)]
    return DecoderSizes(**{name: getattr(config, name) for name in names if name not in changes}, **changes)  # type: ignore[arg-type]


def load_part(part: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load the weights of a part strictly."""
    load_strictly(part, weights, source)


def plain_prompt_encoder(model: Any, source: str) -> PromptEncoder:
    """Make our prompt encoder of transformers' one, which has the same names."""
    config = model.config.prompt_encoder_config
    size = side_of(config.image_size)
    encoder = PromptEncoder(config.hidden_size, size, size // side_of(config.patch_size), config.mask_input_channels)
    load_part(encoder, model.prompt_encoder.state_dict(), source)
    return encoder


def side_of(size: int | Sequence[int]) -> int:
    """Return the side of a square; configs give one number or two."""
    return int(size if isinstance(size, int) else size[0])
