"""Load HQ-SAM (Ke et al. 2023, arXiv 2306.01567) with a ViT encoder, through transformers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from samtailor.bases.sam.base import fingerprint_of
from samtailor.bases.sam.load import decoder_sizes, load_part, plain_prompt_encoder
from samtailor.bases.sam_hq.base import SamHqBase
from samtailor.bases.sam_hq.parts import HqDecoder, VitFeatures

__all__ = ["build"]


class _VisionEncoder(nn.Module):
    """transformers' encoder and the compression of its early features: (B, 3, S, S) -> embedding and details."""

    def __init__(self, model: nn.Module, features: VitFeatures) -> None:
        super().__init__()
        self.model, self.features = model, features

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        output = self.model(x)
        early = output.intermediate_embeddings[0].permute(0, 3, 1, 2)  # after the first layer with global attention
        return output.last_hidden_state, self.features(early)


def build(name: str, model: Any, source: str) -> SamHqBase:
    """Make a base of transformers' ``SamHQModel``.

    Args:
        name: what the user typed.
        model: the model with its weights, float32.
        source: where the weights are, for messages.
    """
    config = model.config.mask_decoder_config
    decoder, weights = HqDecoder(decoder_sizes(config)), model.mask_decoder.state_dict()
    features = VitFeatures(config.vit_dim, config.hidden_size)
    early = {k: weights.pop(k) for k in list(weights) if k.startswith("compress_vit_")}
    load_part(features, early, source)
    load_part(decoder, weights, source)
    encoder = _VisionEncoder(model.vision_encoder, features)
    fingerprint = fingerprint_of(model.state_dict())
    return SamHqBase(name, encoder, plain_prompt_encoder(model, source), decoder, fingerprint)
