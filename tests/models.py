"""Models for tests: a tiny base, and models that bring their own embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter
from samtailor.bases.base import Base
from samtailor.embeddings.cache import EmbeddingCache

__all__ = ["fitted_words", "model_of", "save_tiny_sam"]


def model_of(base: Base, adapter: Adapter | None = None) -> AdaptedModel:
    """Build a model whose cache is never used, because its images are embedded already."""
    return AdaptedModel.of(base, adapter, EmbeddingCache(Path("unused")))


def save_tiny_sam(folder: Path) -> Path:
    """Write a random two-layer SAM with 64-pixel input (4 x 4 cells, low-res side 16) as transformers saves it."""
    from transformers import SamConfig, SamModel

    config = SamConfig(
        vision_config={
            "hidden_size": 32,
            "output_channels": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 16,
            "mlp_dim": 64,
            "num_pos_feats": 16,
            "window_size": 2,
            "global_attn_indexes": [1],
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 16},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SamModel(config)
        for parameter in model.parameters():
            if parameter.dim() > 1:  # transformers' initial weights are so small that prompts would have no effect
                torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    model.save_pretrained(folder)
    return folder


def fitted_words(base: Base, names: Sequence[str], **options: Any) -> Adapter:
    """Build an adapter that reads words and change every owned parameter, as training would."""
    adapter = build_adapter("words", base, **options)
    adapter.learn_names(names)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in adapter.owned_parameters().values():
            p += 0.3 * torch.randn(p.shape, generator=generator)
    return adapter.eval()
