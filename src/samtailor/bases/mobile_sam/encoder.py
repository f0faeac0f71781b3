"""MobileSAM's image encoder: timm's TinyViT-5M, reconfigured, with a neck (Wu et al. 2022, arXiv 2207.10666)."""

from __future__ import annotations

from typing import Any

import torch
from timm.models import FeatureListNet
from timm.models.tiny_vit import Attention, ConvNorm, TinyVit
from torch import Tensor, nn

from samtailor.bases.mobile_sam.packed import pack_linears

__all__ = ["TinyVitEncoder"]


class _ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of a (B, C, h, w) map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _BatchedBias(Attention):
    """Attention whose bias has 4 axes. With timm's 3, PyTorch's flash attention on CPUs falls back to a slow path."""

    def get_attention_biases(self, device: torch.device) -> Tensor:
        bias: Tensor = super().get_attention_biases(device)[None]
        return bias


class _GeluInPlace(nn.GELU):
    """GELU that overwrites its input, the output of the layer before it; this saves a pass over memory."""

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = torch.ops.aten.gelu_(x)
        return activated


class TinyVitEncoder(nn.Module):
    """TinyViT with SAM's neck: (B, 3, 1024, 1024) -> (B, 256, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        # Built from the classes: other packages register models of their own under timm's name tiny_vit_5m_224.
        tiny_vit = TinyVit(
            embed_dims=(64, 128, 160, 320),
            depths=(2, 2, 6, 2),
            num_heads=(2, 4, 5, 10),
            window_sizes=(7, 7, 14, 7),
            drop_path_rate=0.0,
        )
        body: Any = FeatureListNet(tiny_vit, out_indices=(3,), flatten_sequential=True)
        # The last patch merging keeps the resolution, so the grid stays 64 x 64.
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
        """Fold batch norms, store channels last and pack linear layers: the same function in fewer, faster passes."""
        for module in list(self.body.modules()):
            for name, child in module.named_children():
                if isinstance(child, ConvNorm):
                    setattr(module, name, child.fuse())  # type: ignore[no-untyped-call]
                elif isinstance(child, Attention):
                    child.__class__ = _BatchedBias
                elif isinstance(child, nn.GELU):
                    child.__class__ = _GeluInPlace
        self.to(memory_format=torch.channels_last)
        pack_linears(self)
