"""Load MobileSAM: timm's TinyViT-5M, reconfigured, with a neck, and SAM's prompt encoder and mask decoder.

Layout after Zhang et al. 2023 (arXiv 2306.14289) and TinyViT (arXiv 2207.10666). The bundled weights and a published
``mobile_sam.pt`` have the same key names and use the same loader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from samtailor.bases.mobile_sam import NAME
from samtailor.bases.sam.base import SamBase, fingerprint_of
from samtailor.bases.sam.parts import DecoderSizes, MaskDecoder, PromptEncoder
from samtailor.bases.weights import load_strictly, read_weights
from samtailor.errors import BaseModelError

if TYPE_CHECKING:
    from samtailor.bases.mobile_sam.encoder import TinyVitEncoder

__all__ = ["NAME", "bundled_weights", "load_mobile_sam", "plain_encoder"]

# Parts of a published checkpoint that the segmentation path does not use, or that timm computes itself.
_UNUSED = re.compile(r"image_encoder\.(head|norm_head)\.|\.num_batches_tracked$|\.attention_bias_idxs$")

# Published name -> our name, applied in this order.
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
    """Return the path of the float32 weights inside the package."""
    return Path(str(resources.files("samtailor") / "assets" / "mobile_sam.safetensors"))


def _encoder(weights: dict[str, Tensor], path: Path) -> TinyVitEncoder:
    from samtailor.bases.mobile_sam.encoder import TinyVitEncoder

    encoder = TinyVitEncoder()
    load_strictly(nn.ModuleDict({"image_encoder": encoder}), weights, path)
    return encoder.requires_grad_(False).eval()


def plain_encoder() -> nn.Module:
    """Build the bundled image encoder as it was published, without our optimisations, for comparisons."""
    path = bundled_weights()
    return _encoder({k: v for k, v in _renamed(path).items() if k.startswith("image_encoder.")}, path)


class _LateEncoder(nn.Module):
    """TinyViT, built for the first image. Predictions from cached embeddings need neither it nor the import of timm."""

    def __init__(self, weights: dict[str, Tensor], path: Path) -> None:
        super().__init__()
        self._weights, self._path = weights, path
        self.built: nn.Module | None = None

    def build(self) -> nn.Module:
        if self.built is None:
            encoder = _encoder(self._weights, self._path)
            encoder.speed_up()
            encoder.requires_grad_(False).eval()  # folding creates new layers
            self.built, self._weights = encoder, {}
        return self.built

    def resize_input(self, size: int, cell: int) -> None:
        """Nothing changes: TinyViT has no absolute positions, and pads its windows."""

    def forward(self, x: Tensor) -> Tensor:
        embedding: Tensor = self.build().to(x.device)(x)
        return embedding


def _rename(key: str) -> str:
    for pattern, new in _RENAMES:
        key = re.sub(pattern, new, key)
    return key


def _published(path: Path) -> dict[str, Tensor]:
    return {k: v for k, v in read_weights(path).items() if not _UNUSED.search(k)}


def _renamed(path: Path) -> dict[str, Tensor]:
    return {_rename(k): v for k, v in _published(path).items()}


def load_mobile_sam(weights: Path | None = None) -> SamBase:
    """Build MobileSAM.

    Args:
        weights: a ``.safetensors`` file with MobileSAM's key names or a published ``mobile_sam.pt`` (read without
            executing pickled code); None takes the bundled weights.

    Raises:
        BaseModelError: the file cannot be read, or its keys or shapes do not fit.
    """
    path = weights or bundled_weights()
    published = _published(path)
    if any(name.startswith(("image_encoder.blocks.", "vision_encoder.")) for name in published):
        raise BaseModelError(
            f"The weight file {path} holds a SAM with another image encoder; a single file can be MobileSAM only.",
            "Use a hub id such as facebook/sam-vit-base, or a folder that SamModel.save_pretrained wrote.",
        )
    # The original decoder uses PyTorch's default epsilon, transformers uses 1e-6; docs/decisions has the difference.
    prompt_encoder, mask_decoder = PromptEncoder(), MaskDecoder(DecoderSizes(layer_norm_eps=1e-5))
    parts = nn.ModuleDict({"prompt_encoder": prompt_encoder, "mask_decoder": mask_decoder})
    renamed = {_rename(k): v for k, v in published.items()}
    encoder_weights = {k: v for k, v in renamed.items() if k.startswith("image_encoder.")}
    load_strictly(parts, {k: v for k, v in renamed.items() if k not in encoder_weights}, path)
    encoder = _LateEncoder(encoder_weights, path)
    if weights:
        encoder.build()  # check a user's file now; the bundled one is known to fit
    name = f"{NAME}:{weights.resolve()}" if weights else NAME
    return SamBase(name, encoder, prompt_encoder, mask_decoder, fingerprint_of(published))
