"""SAM's mask decoder in transformers' own order of evaluation; tests compare the fast decoder with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samtailor.bases.base import Decoded, MaskChoice, selected_masks
from samtailor.bases.blocks import blocks_of
from samtailor.bases.sam.extras import Extras
from samtailor.bases.sam.parts import as_transformers
from samtailor.bases.sam.steered import steered_transformer
from samtailor.bases.steering import Steering

__all__ = ["reference_decode"]


def reference_decode(  # more than seven parameters: those of ``Base.decode``, unpacked
    decoder: Any,
    image: Tensor,
    positions: Tensor,
    sparse: Tensor,
    dense: Tensor,
    masks: MaskChoice = "single",
    steering: Steering | None = None,
    extras: Extras | None = None,
) -> Decoded:
    """Decode the masks of B images with N prompts each, all cells.

    Args:
        decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        image: (B, D, h, w).
        positions: (hw, D), cells counted row by row.
        sparse: (B, N, T, D).
        dense: (B, N, D, h, w).
        masks: which mask tokens to decode.
        steering: what to add to the tokens, or None.
        extras: what the family adds to SAM's decoder, or None.
    """
    extras = extras or Extras()
    heads, estimate = decoder.output_hypernetworks_mlps, decoder.iou_prediction_head
    decoder = as_transformers(decoder)
    b, n, _, d = sparse.shape
    h, w = image.shape[-2:]

    output_tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    output_tokens = output_tokens.expand(b, n, -1, -1)
    output_tokens = output_tokens if steering is None else steering.started(output_tokens)
    if extras.tokens is not None:
        output_tokens = torch.cat([output_tokens, extras.tokens.expand(b, n, -1, -1)], dim=2)
    tokens = torch.cat([output_tokens, sparse], dim=2).flatten(0, 1)[:, None]  # (BN, 1, ., D)
    cells = (image[:, None] + dense).flatten(0, 1)  # (BN, D, h, w)
    if steering is None:
        position_map = positions.t().view(1, d, h, w)
        tokens, cells = decoder.transformer(tokens, cells, position_map, None)
    else:
        tokens, cells = steered_transformer(decoder.transformer, tokens, cells, positions, steering)

    once = decoder.upscale_conv1(cells.transpose(2, 3).reshape(b * n, d, h, w))
    once = once if extras.half is None else once + extras.half.repeat_interleave(n, 0)
    once = decoder.activation(decoder.upscale_layer_norm(once))
    twice = decoder.upscale_conv2(once)
    twice = twice if extras.full is None else twice + extras.full.repeat_interleave(n, 0)
    upscaled = decoder.activation(twice)

    selected, count = selected_masks(masks), len(heads)
    mlps = list(heads)[selected]
    mask_tokens = tokens[:, 0, 1 : 1 + count][:, selected]
    weights = torch.stack([mlp(mask_tokens[:, i]) for i, mlp in enumerate(mlps)], dim=1)  # (BN, M, C)
    flat = weights @ upscaled.flatten(2)
    if extras.fine is not None:
        flat = flat + extras.fine.head(tokens[:, 0, 1 + count])[:, None] @ extras.fine.features(upscaled).flatten(2)
    logits = flat.unflatten(-1, upscaled.shape[-2:]).unflatten(0, (b, n))
    iou = estimate(tokens[:, 0, 0])[:, selected].unflatten(0, (b, n))
    first_stage, second_stage = once.unflatten(0, (b, n)), upscaled.unflatten(0, (b, n))

    def blocks(indices: Tensor, stage: int = 2) -> Tensor:
        rows = blocks_of(first_stage, indices, 2) if stage == 1 else blocks_of(second_stage, indices)
        return rows.permute(0, 1, 3, 4, 2)

    return Decoded(logits, iou, lambda: second_stage, blocks, logits.detach, lambda indices: blocks_of(logits, indices))
