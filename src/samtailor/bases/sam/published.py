"""Files of SAM as its authors published them, such as ``sam_vit_b_01ec64.pth``: sizes and names of the tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from samtailor.bases.renaming import PROMPTS_AND_DECODER, Renames, filled, renamed
from samtailor.errors import BaseModelError

__all__ = ["VIT", "configs_of", "model_of", "weights_of"]

VIT: Renames = (
    (r"^image_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"^image_encoder\.blocks\.(\d+)\.norm", r"vision_encoder.layers.\1.layer_norm"),
    (r"^image_encoder\.blocks\.", "vision_encoder.layers."),
    (r"^image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
    (r"^image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
    (r"^image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
    (r"^image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
    (r"^image_encoder\.", "vision_encoder."),
)
DECODER_HEADS = 8
"""Of the mask decoder; shapes do not tell, and all published models have 8."""


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published file to those of ``SamModel``."""
    weights = renamed(tensors, (*PROMPTS_AND_DECODER, *VIT))
    positions = weights.get("prompt_encoder.shared_embedding.positional_embedding")
    if positions is not None:  # transformers has them twice
        weights["shared_image_embedding.positional_embedding"] = positions
    return weights


def configs_of(tensors: Mapping[str, Tensor], source: str) -> dict[str, Any]:
    """Read the settings of ``SamConfig`` from the shapes of a published file.

    Raises:
        BaseModelError: a tensor that tells a size is missing or has an unexpected shape.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        return _configs(shapes)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        cause = f"the tensor {error.args[0]!r} is missing" if isinstance(error, KeyError) else "its shapes do not agree"
        raise BaseModelError(
            f"The weights in {source} look like those of a SAM, but its sizes cannot be read: {cause}.",
            "Give the complete checkpoint, with image_encoder, prompt_encoder and mask_decoder.",
        ) from None


def _configs(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    width, _, patch, _ = shapes["image_encoder.patch_embed.proj.weight"]
    _, grid, _, _ = shapes["image_encoder.pos_embed"]
    depth = 1 + max(int(m[1]) for m in (re.match(r"image_encoder\.blocks\.(\d+)\.", name) for name in shapes) if m)
    spans = [shapes[f"image_encoder.blocks.{i}.attn.rel_pos_h"] for i in range(depth)]
    reach = [(length + 1) // 2 for length, _ in spans]  # cells along a side that a layer looks at
    windows = sorted({r for r in reach if r != grid})
    out = shapes["image_encoder.neck.0.weight"][0]
    embed, image_size = shapes["prompt_encoder.no_mask_embed.weight"][1], grid * patch
    head = "mask_decoder.iou_prediction_head.layers"
    layers = [name for name in shapes if re.fullmatch(r"mask_decoder\.transformer\.layers\.\d+\.norm1\.weight", name)]
    return {
        "vision_config": {
            "hidden_size": width,
            "output_channels": out,
            "num_hidden_layers": depth,
            "num_attention_heads": width // spans[0][1],
            "image_size": image_size,
            "patch_size": patch,
            "mlp_dim": shapes["image_encoder.blocks.0.mlp.lin1.weight"][0],
            "mlp_ratio": shapes["image_encoder.blocks.0.mlp.lin1.weight"][0] / width,
            "qkv_bias": "image_encoder.blocks.0.attn.qkv.bias" in shapes,
            "window_size": windows[0] if windows else 0,
            "global_attn_indexes": [i for i, r in enumerate(reach) if r == grid],
            "num_pos_feats": embed // 2,
        },
        "prompt_encoder_config": {
            "hidden_size": embed,
            "image_size": image_size,
            "patch_size": patch,
            "mask_input_channels": shapes["prompt_encoder.mask_downscaling.3.weight"][0],
        },
        "mask_decoder_config": {
            "hidden_size": embed,
            "mlp_dim": shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
            "num_hidden_layers": len(layers),
            "num_attention_heads": DECODER_HEADS,
            "num_multimask_outputs": shapes["mask_decoder.mask_tokens.weight"][0] - 1,
            "iou_head_depth": sum(name.startswith(f"{head}.") and name.endswith(".weight") for name in shapes),
            "iou_head_hidden_dim": shapes[f"{head}.0.weight"][0],
            "layer_norm_eps": 1e-5,  # PyTorch's default, which the original code uses; transformers' is 1e-6
        },
    }


def model_of(tensors: Mapping[str, Tensor], source: str) -> Any:
    """Make transformers' model with the tensors of a published file."""
    from transformers import SamConfig, SamModel

    return filled(SamModel, SamConfig(**configs_of(tensors, source)), weights_of(tensors), source)
