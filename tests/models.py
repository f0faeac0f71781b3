"""Models for tests: tiny bases of every family, and models that bring their own embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter
from samtailor.bases.base import Base
from samtailor.embeddings.cache import EmbeddingCache

__all__ = ["TINY", "fitted_words", "model_of", "save_tiny", "save_tiny_sam", "tiny_model"]

_VIT = {
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
}
_PROMPTS = {"hidden_size": 32, "image_size": 64, "patch_size": 16, "mask_input_channels": 16}
_DECODER = {"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32}
_LEVELS = [[16, 16], [8, 8], [4, 4]]


def model_of(base: Base, adapter: Adapter | None = None) -> AdaptedModel:
    """Build a model whose cache is never used, because its images are embedded already."""
    return AdaptedModel.of(base, adapter, EmbeddingCache(Path("unused")))


def _sam() -> Any:
    from transformers import SamConfig, SamModel

    return SamModel(SamConfig(vision_config=_VIT, prompt_encoder_config=_PROMPTS, mask_decoder_config=_DECODER))


def _sam_hq() -> Any:
    from transformers import SamHQConfig, SamHQModel

    decoder = _DECODER | {"vit_dim": 32}
    return SamHQModel(SamHQConfig(vision_config=_VIT, prompt_encoder_config=_PROMPTS, mask_decoder_config=decoder))


def _sam2_config(config: Any) -> Any:
    from transformers import Sam2HieraDetConfig, Sam2VisionConfig

    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[64, 64],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[4, 2, 2, 2],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[3, 3],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=_LEVELS,
        fpn_hidden_size=32,
    )
    return config(vision_config=vision, prompt_encoder_config=_PROMPTS, mask_decoder_config=_DECODER)


def _sam2() -> Any:
    from transformers import Sam2Config, Sam2Model

    return Sam2Model(_sam2_config(Sam2Config))


def _edgetam() -> Any:
    from transformers import EdgeTamConfig, EdgeTamModel, EdgeTamVisionConfig, TimmWrapperConfig

    options = {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
    vision = EdgeTamVisionConfig(
        backbone_config=TimmWrapperConfig(architecture="repvit_m0_9", model_args=options),
        backbone_channel_list=[384, 192, 96, 48],
        backbone_feature_sizes=_LEVELS,
        fpn_hidden_size=32,
    )
    return EdgeTamModel(
        EdgeTamConfig(vision_config=vision, prompt_encoder_config=_PROMPTS, mask_decoder_config=_DECODER)
    )


def _sam3() -> Any:
    from transformers import Sam3TrackerConfig, Sam3TrackerModel, Sam3VisionConfig, Sam3ViTConfig

    backbone = Sam3ViTConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        window_size=2,
        global_attn_indexes=[1],
        pretrain_image_size=28,
    )
    vision = Sam3VisionConfig(backbone_config=backbone, backbone_feature_sizes=_LEVELS, fpn_hidden_size=32)
    prompts = _PROMPTS | {"image_size": 56, "patch_size": 14}
    return Sam3TrackerModel(
        Sam3TrackerConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=_DECODER)
    )


TINY: dict[str, Callable[[], Any]] = {
    "sam": _sam,
    "sam-hq": _sam_hq,
    "sam2": _sam2,
    "edgetam": _edgetam,
    "sam3": _sam3,
}
"""Family -> builder of transformers' model: input of 64 pixels (SAM 3: 56), 4 x 4 cells, low-res side 16."""


def tiny_model(family: str) -> Any:
    """Build a random tiny model of a family, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = TINY[family]()
        for name, parameter in model.named_parameters():
            # transformers' initial weights are so small that prompts would have no effect; timm's are not
            if parameter.dim() > 1 and "timm_model" not in name:
                torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    with torch.no_grad():  # the same in every published model
        one, two = model.shared_image_embedding, model.prompt_encoder.shared_embedding
        one.positional_embedding.copy_(two.positional_embedding)
    return model.eval()


def save_tiny(family: str, folder: Path) -> Path:
    """Write a random tiny model of a family as transformers saves it."""
    tiny_model(family).save_pretrained(folder)
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


def save_tiny_sam(folder: Path) -> Path:
    """Write a random two-layer SAM with 64-pixel input (4 x 4 cells, low-res side 16) as transformers saves it."""
    return save_tiny("sam", folder)
