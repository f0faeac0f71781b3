"""Load MobileSAM: timm's TinyViT-5M, reconfigured, with a neck, and SAM's prompt encoder and mask decoder.

Layout after Zhang et al. 2023 (arXiv 2306.14289) and TinyViT (arXiv 2207.10666). The bundled weights and a published
``mobile_sam.pt`` have the same key names and use the same loader.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from samtailor.bases.mobile_sam import NAME
from samtailor.bases.renaming import PROMPTS_AND_DECODER, Renames, renamed
from samtailor.bases.sam.base import SamBase, fingerprint_of
from samtailor.bases.sam.parts import DecoderSizes, MaskDecoder, PromptEncoder
from samtailor.bases.weights import load_strictly, read_weights

if TYPE_CHECKING:
    from samtailor.bases.mobile_sam.encoder import TinyVitEncoder

__all__ = ["NAME", "bundled_weights", "load_mobile_sam", "plain_encoder"]

# Parts of a published checkpoint that the segmentation path does not use, or that timm computes itself.
_UNUSED = re.compile(r"image_encoder\.(head|norm_head)\.|\.num_batches_tracked$|\.attention_bias_idxs$")

# Published name -> our name, applied in this order.
_RENAMES: Renames = (
    (r"^image_encoder\.layers\.(\d)\.downsample\.", lambda m: f"image_encoder.body.stages_{int(m[1]) + 1}.downsample."),
    (r"^image_encoder\.layers\.(\d)\.", r"image_encoder.body.stages_\1."),
    (r"^image_encoder\.patch_embed\.seq\.0\.", "image_encoder.body.patch_embed.conv1."),
    (r"^image_encoder\.patch_embed\.seq\.2\.", "image_encoder.body.patch_embed.conv2."),
    (r"(^image_encoder\.body.*)\.c\.", r"\1.conv."),
    *PROMPTS_AND_DECODER,
)


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


def _published(path: Path, tensors: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    return {k: v for k, v in (read_weights(path) if tensors is None else tensors).items() if not _UNUSED.search(k)}


def _renamed(path: Path) -> dict[str, Tensor]:
    return renamed(_published(path), _RENAMES)


def load_mobile_sam(weights: Path | None = None, tensors: dict[str, Tensor] | None = None) -> SamBase:
    """Build MobileSAM.

    Args:
        weights: a ``.safetensors`` file with MobileSAM's key names or a published ``mobile_sam.pt`` (read without
            executing pickled code); None takes the bundled weights.
        tensors: the content of ``weights``, if it is read already.

    Raises:
        BaseModelError: the file cannot be read, or its keys or shapes do not fit.
    """
    path = weights or bundled_weights()
    published = _published(path, tensors)
    # The original decoder uses PyTorch's default epsilon, transformers uses 1e-6; docs/decisions has the difference.
    prompt_encoder, mask_decoder = PromptEncoder(), MaskDecoder(DecoderSizes(layer_norm_eps=1e-5))
    parts = nn.ModuleDict({"prompt_encoder": prompt_encoder, "mask_decoder": mask_decoder})
    weights_by_name = renamed(published, _RENAMES)
    encoder_weights = {k: v for k, v in weights_by_name.items() if k.startswith("image_encoder.")}
    load_strictly(parts, {k: v for k, v in weights_by_name.items() if k not in encoder_weights}, path)
    encoder = _LateEncoder(encoder_weights, path)
    if weights:
        encoder.build()  # check a user's file now; the bundled one is known to fit
    name = f"{NAME}:{weights.resolve()}" if weights else NAME
    return SamBase(name, encoder, prompt_encoder, mask_decoder, fingerprint_of(published))
