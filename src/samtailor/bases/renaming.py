"""Rename the tensors of a published file, and give them to a model of transformers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from samtailor.bases.weights import load_strictly

__all__ = ["PROMPTS_AND_DECODER", "Renames", "filled", "renamed"]

Renames = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Patterns and what replaces them, applied in this order."""

# Of SAM's own code, which its successors kept, to transformers' names.
PROMPTS_AND_DECODER: Renames = (
    (r"\.pe_layer\.positional_encoding_gaussian_matrix$", ".shared_embedding.positional_embedding"),
    (r"^prompt_encoder\.point_embeddings\.", "prompt_encoder.point_embed."),
    (r"^prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^(mask_decoder\.(?!transformer\.).*)\.layers\.0\.(weight|bias)$", r"\1.proj_in.\2"),
    (r"^(mask_decoder\.(?!transformer\.).*)\.layers\.2\.(weight|bias)$", r"\1.proj_out.\2"),
    (r"^(mask_decoder\.(?!transformer\.).*)\.layers\.1\.(weight|bias)$", r"\1.layers.0.\2"),
    (r"^(mask_decoder\.transformer.*)\.norm(\w+)\.(weight|bias)$", r"\1.layer_norm\2.\3"),
)  # fmt: skip


def renamed(tensors: Mapping[str, Tensor], renames: Renames) -> dict[str, Tensor]:
    """Rename tensors."""
    result = {}
    for name, tensor in tensors.items():
        for pattern, new in renames:
            name = re.sub(pattern, new, name)
        result[name] = tensor
    return result


def filled(model_class: type, config: Any, weights: Mapping[str, Tensor], source: str) -> Any:
    """Make a model of transformers with these weights, which are not copied; any that do not fit are an error."""
    with torch.device("meta"):  # its own weights are never allocated
        model = model_class(config)
    load_strictly(model, weights, source, assign=True)
    return model.requires_grad_(False).eval()
