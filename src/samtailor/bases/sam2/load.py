"""Load SAM 2 and 2.1 (Ravi et al. 2024, arXiv 2408.00714), EdgeTAM and SAM 3's tracker through transformers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from samtailor.bases.sam.base import fingerprint_of
from samtailor.bases.sam.load import decoder_sizes, load_part, side_of
from samtailor.bases.sam2.base import Sam2Base
from samtailor.bases.sam2.parts import PaddingPromptEncoder, Sam2Decoder, renamed_decoder, renamed_prompt_encoder
from samtailor.bases.sam2.preprocess import IMAGENET, SYMMETRIC
from samtailor.errors import BaseModelError

__all__ = ["build"]


class _ImageEncoder(nn.Module):
    """transformers' model without its prompt encoder and decoder: (B, 3, S, S) -> embeddings by name."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        model.prompt_encoder = nn.Identity()
        # The model looks there for the two projections of image features, and for nothing else.
        model.mask_decoder = nn.ModuleDict({name: getattr(model.mask_decoder, name) for name in ("conv_s0", "conv_s1")})
        self.model = model

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        levels = self.model.get_image_embeddings(x)
        return {name: level.contiguous() for name, level in zip(("full", "half", "image"), levels, strict=True)}


def build(name: str, model: Any, source: str) -> Sam2Base:
    """Make a base of transformers' ``Sam2Model``, ``EdgeTamModel`` or ``Sam3TrackerModel``.

    Args:
        name: what the user typed.
        model: the model with its weights, float32.
        source: where the weights are, for messages.
    """
    one, two = model.shared_image_embedding, model.prompt_encoder.shared_embedding
    if not torch.equal(one.positional_embedding, two.positional_embedding):
        raise BaseModelError(
            f"The weights of {source} have different positional encodings for images and for prompts; expected one.",
            "Download the checkpoint again.",
        )
    normalisation = SYMMETRIC if type(model).__name__.startswith("Sam3") else IMAGENET
    fingerprint = fingerprint_of(model.state_dict(), normalisation.text)
    # transformers ignores the config's epsilon in the decoder and uses PyTorch's, as the original code does.
    decoder = Sam2Decoder(decoder_sizes(model.config.mask_decoder_config, layer_norm_eps=1e-5))
    load_part(decoder, renamed_decoder(model.mask_decoder.state_dict()), source)
    config = model.config.prompt_encoder_config
    input_size, patch_size = side_of(config.image_size), side_of(config.patch_size)
    prompt_encoder = PaddingPromptEncoder(
        config.hidden_size, input_size, input_size // patch_size, config.mask_input_channels
    )
    load_part(prompt_encoder, renamed_prompt_encoder(model.prompt_encoder.state_dict()), source)
    return Sam2Base(name, _ImageEncoder(model), prompt_encoder, decoder, fingerprint, normalisation)
