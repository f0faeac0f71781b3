"""MobileSAM: timm's TinyViT-5M, reconfigured, with a neck, and SAM's prompt encoder and mask decoder.

Layout after Zhang et al. 2023 (arXiv 2306.14289) and TinyViT (arXiv 2207.10666). The bundled weights and a published
``mobile_sam.pt`` bear the same key names and go through the same loader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models.tiny_vit import ConvNorm
from torch import Tensor, nn

from samtailor.bases.sam_shaped import SamShapedBase, fingerprint_of
from samtailor.bases.weights import load_strictly, read_weights

__all__ = ["NAME", "bundled_weights", "load_mobile_sam"]

NAME = "mobile-sam"

# Parts of a published checkpoint that the segmentation path does not use, or that timm computes itself.
_UNUSED = re.compile(r"image_encoder\.(head|norm_head)\.|\.num_batches_tracked$|\.attention_bias_idxs$")

# Old name -> new name, applied in this order.
_RENAMES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^image_encoder\.layers\.(\d)\.downsample\.", lambda m: f"image_encoder.body.stages_{int(m[1]) + 1}.downsample."),
    (r"^image_encoder\.layers\.(\d)\.", r"image_encoder.body.stages_\1."),
    (r"^image_encoder\.patch_embed\.seq\.0\.", "image_encoder.body.patch_embed.conv1."),
    (r"^image_encoder\.patch_embed\.seq\.2\.", "image_encoder.body.patch_embed.conv2."),
    (r"(^image_encoder\.body.*)\.c\.", r"\1.conv."),
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
    (r"(mask_decoder.*)\.layers\.0\.(weight|bias)$", r"\1.proj_in.\2"),
    (r"(mask_decoder.*)\.layers\.2\.(weight|bias)$", r"\1.proj_out.\2"),
    (r"(mask_decoder.*)\.layers\.1\.(weight|bias)$", r"\1.layers.0.\2"),
    (r"(mask_decoder\.transformer.*)\.norm(\w+)\.(weight|bias)$", r"\1.layer_norm\2.\3"),
    (r"(mask_decoder\.transformer.*)\.norm_final_attn\.", r"\1.layer_norm_final_attn."),
)  # fmt: skip


def bundled_weights() -> Path:
    """Path of the float32 weights that ship inside the package."""
    return Path(str(resources.files("samtailor") / "assets" / "mobile_sam.safetensors"))


class _ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of a (B, C, h, w) map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _TinyVitEncoder(nn.Module):
    """(B, 3, 1024, 1024) -> (B, 256, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        body: Any = timm.create_model(
            "tiny_vit_5m_224", pretrained=False, features_only=True, out_indices=(3,), window_sizes=(7, 7, 14, 7)
        )
        # The last patch merging keeps its resolution, so that the grid stays 64 x 64.
        body.stages_3.downsample.conv2.conv.stride = (1, 1)
        self.body = body
        self.neck = nn.Sequential(
            nn.Conv2d(320, 256, 1, bias=False),
            _ChannelNorm(256, eps=1e-6),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            _ChannelNorm(256, eps=1e-6),
        )

    def forward(self, x: Tensor) -> Tensor:
        embedding: Tensor = self.neck(self.body(x.contiguous(memory_format=torch.channels_last))[-1])
        return embedding

    def speed_up(self) -> None:
        """Fold batch norms into their convolutions and lay channels last: the same function, fewer memory passes."""
        for module in list(self.body.modules()):
            for name, child in module.named_children():
                if isinstance(child, ConvNorm):
                    setattr(module, name, child.fuse())  # type: ignore[no-untyped-call]
        self.to(memory_format=torch.channels_last)


def _rename(key: str) -> str:
    for pattern, new in _RENAMES:
        key = re.sub(pattern, new, key)
    return key


def load_mobile_sam(weights: Path | None = None) -> SamShapedBase:
    """Build MobileSAM.

    Args:
        weights: a ``.safetensors`` file with MobileSAM's key names or a published ``mobile_sam.pt`` (read without
            executing pickled code); None takes the bundled weights.

    Raises:
        BaseModelError: the file cannot be read, or its keys or shapes do not fit.
    """
    from transformers.models.sam.configuration_sam import SamConfig, SamMaskDecoderConfig
    from transformers.models.sam.modeling_sam import SamMaskDecoder, SamPromptEncoder

    path = weights or bundled_weights()
    published = {k: v for k, v in read_weights(path).items() if not _UNUSED.search(k)}
    # The original decoder uses PyTorch's default epsilon, transformers 1e-6; docs/decisions.md has the difference.
    decoder_config: Any = SamMaskDecoderConfig(layer_norm_eps=1e-5)
    decoder_config._attn_implementation = "sdpa"
    parts = nn.ModuleDict(
        {
            "image_encoder": _TinyVitEncoder(),
            "prompt_encoder": SamPromptEncoder(SamConfig()),
            "mask_decoder": SamMaskDecoder(decoder_config),
        }
    )
    load_strictly(parts, {_rename(k): v for k, v in published.items()}, path)
    parts["image_encoder"].speed_up()  # type: ignore[operator]
    name = f"{NAME}:{weights.resolve()}" if weights else NAME
    return SamShapedBase(
        name, parts["image_encoder"], parts["prompt_encoder"], parts["mask_decoder"], fingerprint_of(published)
    )
