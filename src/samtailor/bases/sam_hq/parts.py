"""HQ-SAM's mask decoder in plain torch: SAM's, one more token, and finer features of the image.

Parts and parameters are named as in transformers' ``SamHQMaskDecoder``. The part that compresses features of the image
encoder belongs to the encoder here: its output is stored with the embedding and depends on no prompt.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from samtailor.bases.base import Embeddings
from samtailor.bases.sam.extras import Extras, Fine
from samtailor.bases.sam.parts import ChannelNorm, DecoderSizes, Head, MaskDecoder

__all__ = ["HqDecoder", "VitFeatures"]


class HqDecoder(MaskDecoder):
    """The weights of HQ-SAM's mask decoder."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        width, half, full = sizes.hidden_size, sizes.hidden_size // 4, sizes.hidden_size // 8
        self.hq_token = nn.Embedding(1, width)
        self.hq_mask_mlp = Head(width, width, full, 3)
        self.encoder_conv1 = nn.ConvTranspose2d(width, half, kernel_size=2, stride=2)
        self.encoder_norm = ChannelNorm(half, eps=1e-6)
        self.encoder_conv2 = nn.ConvTranspose2d(half, full, kernel_size=2, stride=2)
        self.mask_conv1 = nn.Conv2d(full, half, kernel_size=3, padding=1)
        self.mask_norm = ChannelNorm(half, eps=1e-6)
        self.mask_conv2 = nn.Conv2d(half, full, kernel_size=3, padding=1)

    def extras(self, embeddings: Embeddings) -> Extras:
        """Return the additions to SAM's decoder: the finer mask is added to each of SAM's masks."""
        once = F.gelu(self.encoder_norm(self.encoder_conv1(embeddings["image"])))
        details = self.encoder_conv2(once) + embeddings["details"]
        fine = Fine(self.hq_mask_mlp, self.mask_conv1, self.mask_norm, self.mask_conv2, details)
        return Extras(tokens=self.hq_token.weight, fine=fine)


class VitFeatures(nn.Module):
    """Compresses features of an early layer of the image encoder, (B, D_vit, h, w) to (B, C, 4h, 4w).

    Args:
        vit_width: D_vit.
        width: D of the embedding.
    """

    def __init__(self, vit_width: int, width: int) -> None:
        super().__init__()
        self.compress_vit_conv1 = nn.ConvTranspose2d(vit_width, width, kernel_size=2, stride=2)
        self.compress_vit_norm = ChannelNorm(width, eps=1e-6)
        self.compress_vit_conv2 = nn.ConvTranspose2d(width, width // 8, kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        details: Tensor = self.compress_vit_conv2(F.gelu(self.compress_vit_norm(self.compress_vit_conv1(x))))
        return details
