"""Files of SAM 2 and 2.1 as their authors published them, such as ``sam2.1_hiera_tiny.pt``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from samtailor.bases.renaming import PROMPTS_AND_DECODER, Renames, filled, renamed
from samtailor.errors import BaseModelError

__all__ = ["config_of", "model_of", "weights_of"]

# Parts that serve videos alone; an image never meets them.
_VIDEO = re.compile(
    r"memory_(attention|encoder)\.|maskmem_tpos_enc$|no_mem_pos_enc$|no_obj_ptr$|no_obj_embed_spatial$"
    r"|obj_ptr_(proj|tpos_proj)\.|mask_downsample\."
)
_RENAMES: Renames = (
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    *PROMPTS_AND_DECODER,
    (r"^(mask_decoder\.transformer.*)\.out_proj\.", r"\1.o_proj."),
    (r"^(mask_decoder\.transformer.*)\.mlp\.(layers\.0|lin1)\.", r"\1.mlp.proj_in."),
    (r"^(mask_decoder\.transformer.*)\.mlp\.(layers\.1|lin2)\.", r"\1.mlp.proj_out."),
    (r"^image_encoder\.trunk\.patch_embed\.proj\.", "vision_encoder.backbone.patch_embed.projection."),
    (r"^(image_encoder\.trunk\..*)\.mlp\.layers\.0\.", r"\1.mlp.proj_in."),
    (r"^(image_encoder\.trunk\..*)\.mlp\.layers\.1\.", r"\1.mlp.proj_out."),
    (r"^(image_encoder\.trunk\..*)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"^no_mem_embed$", "no_memory_embedding"),
)

# Width and layers of the stages -> what shapes do not tell: heads, window sizes, layers that see the whole image.
_SIZES: dict[tuple[int, tuple[int, ...]], tuple[int, list[int], list[int]]] = {
    (96, (1, 2, 7, 2)): (1, [8, 4, 14, 7], [5, 7, 9]),
    (96, (1, 2, 11, 2)): (1, [8, 4, 14, 7], [7, 10, 13]),
    (112, (2, 3, 16, 3)): (2, [8, 4, 14, 7], [12, 16, 20]),
    (144, (2, 6, 36, 4)): (2, [8, 4, 16, 8], [23, 33, 43]),
}


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published file to those of ``Sam2Model``, without the parts for videos."""
    weights = renamed({k: v for k, v in tensors.items() if not _VIDEO.match(k)}, _RENAMES)
    points = [f"prompt_encoder.point_embed.{i}.weight" for i in range(4)]
    if all(name in weights for name in points):
        weights["prompt_encoder.point_embed.weight"] = torch.cat([weights.pop(name) for name in points])
    positions = weights.get("prompt_encoder.shared_embedding.positional_embedding")
    if positions is not None:  # transformers has them twice
        weights["shared_image_embedding.positional_embedding"] = positions
    return weights


def config_of(tensors: Mapping[str, Tensor], source: str) -> Any:
    """Read transformers' ``Sam2Config`` from the shapes of a published file.

    Raises:
        BaseModelError: the size is none of the published ones, or a tensor that tells it is missing.
    """
    from transformers import Sam2Config, Sam2HieraDetConfig, Sam2VisionConfig

    try:
        width = tensors["image_encoder.trunk.patch_embed.proj.weight"].shape[0]
        side = list(tensors["image_encoder.trunk.pos_embed"].shape[-2:])
    except KeyError as error:
        raise BaseModelError(
            f"The weights in {source} look like those of a SAM 2, but the tensor {error.args[0]!r} is missing.",
            "Give the complete checkpoint, with image_encoder, sam_prompt_encoder and sam_mask_decoder.",
        ) from None
    blocks = [int(m[1]) for m in (re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.norm1\.w", k) for k in tensors) if m]
    starts = [i for i in sorted(blocks) if f"image_encoder.trunk.blocks.{i}.proj.weight" in tensors]
    edges = [0, *starts, len(blocks)]
    stages = tuple(b - a for a, b in pairwise(edges))
    if (width, stages) not in _SIZES:
        known = "; ".join(f"{w} with {list(s)}" for w, s in _SIZES)
        raise BaseModelError(
            f"The weights in {source} are a SAM 2 of an unknown size: width {width} with stages of {list(stages)} "
            f"layers. Known are {known}.",
            "Give transformers' folder of this model, whose config.json has all sizes.",
        )
    heads, windows, whole = _SIZES[width, stages]
    widths = [width * 2**i for i in range(4)]
    backbone = Sam2HieraDetConfig(
        hidden_size=width,
        num_attention_heads=heads,
        blocks_per_stage=list(stages),
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[heads * 2**i for i in range(4)],
        window_size_per_stage=windows,
        global_attention_blocks=whole,
        window_positional_embedding_background_size=side,
    )
    return Sam2Config(vision_config=Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=widths[::-1]))


def model_of(tensors: Mapping[str, Tensor], source: str) -> Any:
    """Make transformers' model with the tensors of a published file."""
    from transformers import Sam2Model

    return filled(Sam2Model, config_of(tensors, source), weights_of(tensors), source)
