"""SAM's prompt encoder and mask decoder in plain torch, so that a prediction need not import transformers.

Parts, parameters and attributes are named as in transformers' ``SamPromptEncoder`` and ``SamMaskDecoder``, so weights
and adapters fit both. ``fast_decoder`` is the decoder's forward pass; ``as_transformers`` adds the reference's.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ChannelNorm", "DecoderSizes", "Head", "MaskDecoder", "PromptEncoder", "as_transformers"]


@dataclass(frozen=True)
class DecoderSizes:
    """Sizes of a mask decoder, named as in transformers' ``SamMaskDecoderConfig``.

    Attributes:
        hidden_size: D.
        layer_norm_eps: of the layers' norms; the last norm and the upscaling's have fixed ones, as in transformers.
    """

    hidden_size: int = 256
    mlp_dim: int = 2048
    num_hidden_layers: int = 2
    num_attention_heads: int = 8
    num_multimask_outputs: int = 3
    iou_head_depth: int = 3
    iou_head_hidden_dim: int = 256
    layer_norm_eps: float = 1e-6


class _Positions(nn.Module):
    """Random Fourier features of points in the unit square, (..., 2) to (..., D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(2, width // 2))

    def forward(self, points: Tensor) -> Tensor:
        angles = 2 * math.pi * ((2 * points - 1) @ self.positional_embedding)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _MaskEmbedding(nn.Module):
    """Embedding of a mask prompt, (B, 1, 4h, 4w) to (B, D, h, w)."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels // 4, kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(channels // 4, channels, kernel_size=2, stride=2)
        self.conv3 = nn.Conv2d(channels, width, kernel_size=1)
        self.layer_norm1 = ChannelNorm(channels // 4, eps=1e-6)
        self.layer_norm2 = ChannelNorm(channels, eps=1e-6)

    def forward(self, masks: Tensor) -> Tensor:
        x = F.gelu(self.layer_norm1(self.conv1(masks)))
        embedding: Tensor = self.conv3(F.gelu(self.layer_norm2(self.conv2(x))))
        return embedding


class PromptEncoder(nn.Module):
    """Encoder of points, boxes and masks.

    Args:
        width: D.
        input_size: side of the base's input, pixels.
        grid: h = w.
        mask_channels: of a mask prompt's second convolution.
    """

    def __init__(self, width: int = 256, input_size: int = 1024, grid: int = 64, mask_channels: int = 16) -> None:
        super().__init__()
        self.hidden_size, self.input_image_size, self.image_embedding_size = width, input_size, (grid, grid)
        self.shared_embedding = _Positions(width)
        self.mask_embed = _MaskEmbedding(width, mask_channels)
        self.no_mask_embed = nn.Embedding(1, width)
        self.point_embed = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)

    def forward(
        self, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Encode points, boxes or both.

        Args:
            points: (B, N, P, 2), (x, y) in input pixels; here pixel centres are whole numbers, as in transformers.
            labels: (B, N, P), 1 foreground, 0 background, -1 padding.
            boxes: (B, N, 4), in the same coordinates.
            masks: (B, 1, 4h, 4w).

        Returns:
            sparse (B, N, T, D) and dense (B, D, h, w).
        """
        background, foreground, *corners = self.point_embed.parameters()
        tokens = []
        if points is not None and labels is not None:
            if boxes is None:  # SAM appends a padding token to points without a box
                points, labels = F.pad(points, (0, 0, 0, 1)), F.pad(labels, (0, 1), value=-1)
            kinds = labels[..., None]
            click = self._positions(points)
            click = torch.where(kinds == -1, self.not_a_point_embed.weight, click)
            click = torch.where(kinds == 0, click + background, click)
            click = torch.where(kinds == 1, click + foreground, click)
            tokens.append(click)
        if boxes is not None:
            tokens.append(self._positions(boxes.view(*boxes.shape[:2], 2, 2)) + torch.cat([*corners]))
        sparse = torch.cat(tokens, dim=2)
        if masks is not None:
            return sparse, self.mask_embed(masks)
        dense = self.no_mask_embed.weight[..., None, None]
        return sparse, dense.expand(len(sparse), -1, *self.image_embedding_size)

    def _positions(self, points: Tensor) -> Tensor:
        encoding: Tensor = self.shared_embedding((points + 0.5) / self.input_image_size)
        return encoding


class _Attention(nn.Module):
    def __init__(self, sizes: DecoderSizes, downsampling: int = 2) -> None:
        super().__init__()
        outer, inner = sizes.hidden_size, sizes.hidden_size // downsampling
        self.num_attention_heads = sizes.num_attention_heads
        self.scaling = (inner // sizes.num_attention_heads) ** -0.5
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(outer, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, outer)


class _MLP(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.lin1, self.lin2, self.act = nn.Linear(width, hidden), nn.Linear(hidden, width), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.lin2(self.act(self.lin1(x)))
        return output


class _Layer(nn.Module):
    def __init__(self, sizes: DecoderSizes, first: bool) -> None:
        super().__init__()
        width, eps = sizes.hidden_size, sizes.layer_norm_eps
        self.self_attn = _Attention(sizes, downsampling=1)
        self.layer_norm1 = nn.LayerNorm(width, eps=eps)
        self.cross_attn_token_to_image = _Attention(sizes)
        self.layer_norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = _MLP(width, sizes.mlp_dim)
        self.layer_norm3 = nn.LayerNorm(width, eps=eps)
        self.layer_norm4 = nn.LayerNorm(width, eps=eps)
        self.cross_attn_image_to_token = _Attention(sizes)
        self.skip_first_layer_pe = first


class _Transformer(nn.Module):
    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(sizes, first=i == 0) for i in range(sizes.num_hidden_layers))
        self.final_attn_token_to_image = _Attention(sizes)
        self.layer_norm_final_attn = nn.LayerNorm(sizes.hidden_size)


class Head(nn.Module):
    """MLP from a token (..., D) to numbers (..., out)."""

    def __init__(self, width: int, hidden: int, out: int, depth: int) -> None:
        super().__init__()
        self.proj_in, self.proj_out = nn.Linear(width, hidden), nn.Linear(hidden, out)
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(depth - 2))
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.proj_in(x))
        for layer in self.layers:
            x = self.activation(layer(x))
        output: Tensor = self.proj_out(x)
        return output


class MaskDecoder(nn.Module):
    """The weights of SAM's mask decoder; ``fast_decode`` is its forward pass."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        width = sizes.hidden_size
        self.sizes, self.hidden_size = sizes, width
        self.num_mask_tokens = sizes.num_multimask_outputs + 1
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(self.num_mask_tokens, width)
        self.transformer = _Transformer(sizes)
        self.upscale_conv1 = nn.ConvTranspose2d(width, width // 4, kernel_size=2, stride=2)
        self.upscale_conv2 = nn.ConvTranspose2d(width // 4, width // 8, kernel_size=2, stride=2)
        self.upscale_layer_norm = ChannelNorm(width // 4, eps=1e-6)
        self.activation = nn.GELU()
        self.output_hypernetworks_mlps = nn.ModuleList(
            Head(width, width, width // 8, 3) for _ in range(self.num_mask_tokens)
        )
        self.iou_prediction_head = Head(width, sizes.iou_head_hidden_dim, self.num_mask_tokens, sizes.iou_head_depth)


_WRAPPED: weakref.WeakKeyDictionary[MaskDecoder, Any] = weakref.WeakKeyDictionary()


def as_transformers(decoder: nn.Module) -> Any:
    """Return transformers' ``SamMaskDecoder`` that shares the weights of ``decoder``, so gradients reach them.

    Parts that a method has wrapped (LoRA) are used as they are. transformers' own module is returned unchanged.
    """
    if not isinstance(decoder, MaskDecoder):
        return decoder
    if decoder in _WRAPPED:
        return _WRAPPED[decoder].train(decoder.training)
    from transformers.models.sam.configuration_sam import SamMaskDecoderConfig
    from transformers.models.sam.modeling_sam import SamMaskDecoder

    config: Any = SamMaskDecoderConfig(**asdict(decoder.sizes))
    config._attn_implementation = "sdpa"
    with torch.device("meta"):  # its own weights are never allocated
        reference = SamMaskDecoder(config)
    _share_weights(reference, decoder)
    _WRAPPED[decoder] = reference  # building it takes 10 ms
    return reference.train(decoder.training)


def _share_weights(reference: nn.Module, ours: nn.Module) -> None:
    for name, part in reference.named_children():
        our_part = ours.get_submodule(name)
        if next(part.children(), None) is not None:
            _share_weights(part, our_part)
        elif type(part).__module__.startswith("torch."):
            reference.add_module(name, our_part)
        else:  # transformers' own leaf, such as its norm over channels: its forward pass, our weights
            part._parameters = our_part._parameters
