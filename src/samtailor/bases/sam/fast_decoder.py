"""A faster forward pass for SAM's mask decoder: the same function as transformers' module, by exact algebra.

About seven tokens meet 4,096 image cells, so every projection is applied to the tokens if possible, not to the cells:

* token to image: (q W_q)(k W_k)^T = (q W_q W_k^T) k^T, so the tokens are multiplied by the key matrix and the cells are
  not projected. The key bias adds one number to all scores of a query and cancels in the softmax. Values are summed
  first, then projected.
* image to token: the cells' query projection is applied to the tokens in the same way, and the output projection to the
  token values. Attention weights over tokens sum to one per head, so the output bias is divided among the heads.
* before the first image-to-token step, all prompts of an image see the same cells. The cells are not copied, and here
  it costs least to project them, once for all prompts (``first_layer``).
* cells stay rows of channels (c, D) until the end. The two up-convolutions (kernel 2, stride 2) do not overlap, so each
  is one matrix product per cell; layer norms run over the last axis; only the finished mask is arranged as a map.

Under autocast, tensors with a row per cell have autocast's type from beginning to end, and the few tokens stay float32.
Casting the weights for seven tokens, and the cells back and forth, took more time than the smaller type saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.bases.base import Decoded, MaskChoice, selected_masks
from samtailor.bases.sam.extras import Extras, Fine
from samtailor.bases.sam.first_layer import FirstLayer, project_first, weight_of
from samtailor.bases.sam.upscaling import Upscaling, norm_rows, to_block_rows, to_map
from samtailor.bases.steering import Steering

__all__ = ["fast_decode"]


def fast_decode(  # more than seven parameters: those of ``Base.decode``, unpacked
    decoder: Any,
    image: Tensor,
    positions: Tensor,
    sparse: Tensor,
    dense: Tensor,
    masks: MaskChoice = "single",
    indices: Tensor | None = None,
    steering: Steering | None = None,
    extras: Extras | None = None,
) -> Decoded:
    """Compute the output of ``SamMaskDecoder`` for B images with N prompts each; differentiable for all inputs.

    Args:
        decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        image: (B, D, h, w).
        positions: (hw, D), cells counted row by row.
        sparse: (B, N, T, D).
        dense: (B, N, D, h, w); expanded over N if all prompts of an image share it.
        masks: which mask tokens to decode.
        indices: (B, N, K) int, the cells to decode, or None; see ``Base.decode``.
        steering: what to add to the tokens, or None; computed in float32.
        extras: what the family adds to SAM's decoder, or None.
    """
    kind = image.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else image.dtype
    with torch.autocast(kind, enabled=False):
        prompts = sparse.float(), dense, masks, indices
        return _decode(decoder, image, positions.to(dtype), *prompts, steering or Steering(), extras or Extras())


def _decode(  # more than seven parameters: those of ``fast_decode``
    decoder: Any,
    image: Tensor,
    positions: Tensor,
    sparse: Tensor,
    dense: Tensor,
    masks: MaskChoice,
    indices: Tensor | None,
    steering: Steering,
    extras: Extras,
) -> Decoded:
    """Do the work of ``fast_decode``; cells get the type of ``positions``."""
    b, n = sparse.shape[:2]
    output_tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    parts = [steering.started(output_tokens.expand(b, n, -1, -1)), sparse]
    if extras.tokens is not None:
        parts.insert(1, extras.tokens.expand(b, n, -1, -1))
    start = torch.cat(parts, dim=2).flatten(0, 1)  # (BN, 5+k+T, D)
    shared = n == 1 or dense.stride(1) == 0
    cells = _to_rows(image + dense[:, 0]) if shared else _to_rows((image[:, None] + dense).flatten(0, 1))
    cells = cells.to(positions.dtype)
    first = project_first(decoder, cells, positions) if shared else None
    every_head, selected = list(decoder.output_hypernetworks_mlps), selected_masks(masks)
    rows = [0, *range(1, 1 + len(every_head))[selected], *([1 + len(every_head)] if extras.fine else [])]
    tokens, cells = _two_way(decoder.transformer, start, cells, positions, first, rows, steering)

    weights = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(every_head[selected])], dim=-1)  # (BN, C, M)
    iou = decoder.iou_prediction_head(tokens[:, 0])[:, selected]
    fine_weights = extras.fine.head(tokens[:, -1]) if extras.fine else tokens
    pixels, size = Upscaling.of(decoder, cells, extras), image.shape[-2:]

    def upscaled() -> Tensor:
        return _by_image(to_map(pixels.twice(), size), b)

    def blocks(indices: Tensor, stage: int = 2) -> Tensor:
        some = pixels.select(indices)
        return _by_image(some.once() if stage == 1 else to_block_rows(some.twice()), b)

    def every() -> Tensor:
        if extras.fine is None:
            return _by_image(to_map(pixels.logits(weights), size), b)
        maps = []
        for i in range(b * n):  # one by one, because a prompt's features are tens of megabytes
            features = to_map(pixels.of_prompt(i).twice(), size)[0].float()
            plain = torch.einsum("cm,cij->mij", weights[i], features)
            maps.append(plain + extras.fine.mask(features, fine_weights[i], i // n))
        return _by_image(torch.stack(maps), b)

    def fine_at(fine: Fine, indices: Tensor) -> Tensor:
        parts = []
        for i, chosen in enumerate(indices.flatten(0, 1)):
            features = to_map(pixels.of_prompt(i).twice(), size)[0].float()
            parts.append(fine.blocks(features, fine_weights[i], i // n, chosen))
        return _by_image(torch.stack(parts), b)[:, :, None]

    @torch.no_grad()
    def whole() -> Tensor:
        return every()

    def at(indices: Tensor) -> Tensor:
        plain = _by_image(to_block_rows(pixels.select(indices).logits(weights)).permute(0, 3, 1, 2), b)
        return plain if extras.fine is None else plain.float() + fine_at(extras.fine, indices)

    return Decoded(every() if indices is None else at(indices), _by_image(iou, b), upscaled, blocks, whole, at)


def _by_image(values: Tensor, b: int) -> Tensor:
    """Split (BN, ...) into (B, N, ...)."""
    return values.reshape(b, -1, *values.shape[1:])


def _to_rows(maps: Tensor) -> Tensor:
    """Convert maps (G, D, h, w) to contiguous rows (G, hw, D)."""
    return maps.flatten(2).transpose(1, 2).contiguous()


def _two_way(
    transformer: Any,
    start: Tensor,
    cells: Tensor,
    positions: Tensor,
    first: FirstLayer | None,
    rows: list[int],
    steering: Steering,
) -> tuple[Tensor, Tensor]:
    """Run all layers.

    Args:
        transformer: of the decoder.
        start: tokens (BN, t, D) before the first layer; they also serve as the tokens' positional encoding.
        cells: (B or BN, c, D).
        positions: (c, D).
        first: projections of the first layer, if all prompts of an image share its cells.
        rows: which tokens to return.
        steering: what to add to the tokens.

    Returns:
        tokens (BN, len(rows), D) and cells (BN, c, D).
    """
    tokens, placed = start, cells + positions
    for number, layer in enumerate(transformer.layers):
        extra = steering.extra(number, 0)
        if layer.skip_first_layer_pe:
            tokens = _self_attention(layer.self_attn, tokens, tokens, extra)
        else:
            tokens = tokens + _self_attention(layer.self_attn, tokens + start, tokens, extra)
        tokens = layer.layer_norm1(tokens)
        token_to_image, image_to_token = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        tokens = tokens + _token_to_image(token_to_image, tokens + start, placed, cells, first)
        tokens = layer.layer_norm2(tokens)
        tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
        tokens = steering.moved(number, tokens)
        updated = _image_to_token(image_to_token, placed, cells, tokens + start, tokens, first)
        for memory in steering.extra(number, 1):
            updated = updated + _read_extra(image_to_token, placed, memory, first)
        cells = norm_rows(layer.layer_norm4, steering.shifted(number, updated))
        placed, first = cells + positions, None
    tokens, start = tokens[:, rows], start[:, rows]  # no later step reads the other tokens
    tokens = tokens + _token_to_image(transformer.final_attn_token_to_image, tokens + start, placed, cells)
    tokens = transformer.layer_norm_final_attn(tokens)
    return steering.moved(len(transformer.layers), tokens), cells


def _self_attention(
    attention: Any, queries: Tensor, values: Tensor, extra: Sequence[tuple[Tensor, Tensor]] = ()
) -> Tensor:
    projections = (attention.q_proj, queries), (attention.k_proj, queries), (attention.v_proj, values)
    q, k, v = (_split_heads(attention, projection, tokens).transpose(1, 2) for projection, tokens in projections)
    attended = F.scaled_dot_product_attention(q, k, v, scale=attention.scaling)
    for memory, weight in extra:
        k, v = (_split_heads(attention, p, memory).transpose(1, 2) for p in (attention.k_proj, attention.v_proj))
        read = F.scaled_dot_product_attention(q, k, v, scale=attention.scaling)
        attended = attended + weight[..., None] * read
    output: Tensor = attention.out_proj(attended.transpose(1, 2).flatten(2))
    return output


def _split_heads(attention: Any, projection: Any, tokens: Tensor) -> Tensor:
    """Project tokens (BN, t, D) and split them by head: (BN, t, H, e)."""
    projected: Tensor = projection(tokens)
    return projected.view(*tokens.shape[:2], attention.num_attention_heads, -1)


def _by_head(attention: Any, weight: Tensor) -> Tensor:
    """View a (He, D) weight as (H, e, D)."""
    return weight.view(attention.num_attention_heads, -1, weight.shape[-1])


def _token_to_image(
    attention: Any, queries: Tensor, placed: Tensor, cells: Tensor, first: FirstLayer | None = None
) -> Tensor:
    """Attend from tokens (BN, t, D) to cells (G, c, D), G = B or BN; ``placed`` is cells with positions added."""
    bn, t, d = queries.shape
    heads, groups = attention.num_attention_heads, len(cells)
    q = _split_heads(attention, attention.q_proj, queries)
    output: Tensor
    if first is not None:
        q = q.reshape(groups, -1, *q.shape[2:]).transpose(1, 2).to(cells.dtype)  # (G, H, rows, e)
        attended = _few_queries(q * attention.scaling, first.keys, first.values).float()
        output = attention.out_proj(attended.transpose(1, 2).reshape(bn, t, -1))
        return output
    q = q * attention.scaling
    q = torch.einsum("nthe,hed->nhtd", q, _by_head(attention, weight_of(attention.k_proj)))
    attended = _few_queries(q.reshape(groups, -1, d).to(cells.dtype), placed, cells).float().view(bn, heads, t, d)
    values = torch.einsum("nhtd,hed->nthe", attended, _by_head(attention, weight_of(attention.v_proj))).flatten(2)
    output = attention.out_proj(values + attention.v_proj.bias)
    return output


def _few_queries(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend without a fused kernel: its backward pass computes gradients of keys and values even if none is needed."""
    return _scores(queries, keys).softmax(-1) @ values


def _scores(queries: Tensor, keys: Tensor) -> Tensor:
    """Compute the scores (..., rows, c) of queries (..., rows, D) and keys (..., c, D).

    In the usual order of factors, the gradient of the keys is transposed; adding it to other gradients took longer in
    bfloat16 than all products. In float32 both orders take the same time.
    """
    if keys.dtype == torch.float32 or not keys.requires_grad:
        return queries @ keys.transpose(-2, -1)
    return (keys @ queries.transpose(-2, -1)).transpose(-2, -1).contiguous()


def _image_to_token(
    attention: Any, placed: Tensor, cells: Tensor, keys: Tensor, values: Tensor, first: FirstLayer | None = None
) -> Tensor:
    """Attend from cells (G, c, D) to tokens (BN, t, D) and add the result to the cells: (BN, c, D)."""
    bn, (groups, c, d) = len(keys), cells.shape
    shares = _shares(attention, placed, keys, first)
    v = _outputs(attention, values, attention.out_proj.bias / attention.num_attention_heads)
    residual = cells if groups == bn else cells[:, None].expand(-1, bn // groups, -1, -1).reshape(bn, c, d)
    return torch.baddbmm(residual, shares.transpose(1, 2), v.to(cells.dtype))


def _read_extra(attention: Any, placed: Tensor, extra: tuple[Tensor, Tensor], first: FirstLayer | None) -> Tensor:
    """Attend from cells (G, c, D) with positions to extra tokens (BN, k, D), with their weight: (BN, c, D)."""
    memory, weight = extra
    v = weight * _outputs(attention, memory, None)
    return _shares(attention, placed, memory, first).transpose(1, 2) @ v.to(placed.dtype)


def _shares(attention: Any, placed: Tensor, keys: Tensor, first: FirstLayer | None) -> Tensor:
    """Compute how much cells (G, c, D) with positions attend to tokens (BN, t, D), by head: (BN, Ht, c)."""
    bn, t, d = keys.shape
    heads, (groups, c, _) = attention.num_attention_heads, placed.shape
    k = _split_heads(attention, attention.k_proj, keys) * attention.scaling
    if first is not None:
        rows = k.reshape(groups, -1, *k.shape[2:]).transpose(1, 2).to(placed.dtype)  # (G, H, rows, e)
        scores = rows @ first.queries.transpose(2, 3)
        scores = scores.unflatten(2, (-1, t)).transpose(1, 2).reshape(bn, heads, t, c)
    else:
        bias = torch.einsum("nthe,he->nht", k, attention.q_proj.bias.view(heads, -1))
        k = torch.einsum("nthe,hed->nhtd", k, _by_head(attention, weight_of(attention.q_proj)))
        scores = _scores(k.reshape(groups, -1, d).to(placed.dtype), placed)
        scores = scores.view(bn, heads, t, c) + bias[..., None].to(placed.dtype)
    shares: Tensor = scores.softmax(dim=2).view(bn, heads * t, c)
    return shares


def _outputs(attention: Any, values: Tensor, bias: Tensor | None) -> Tensor:
    """Project tokens (BN, t, D) to what each head adds to a cell that attends to them alone: (BN, Ht, D)."""
    v = _split_heads(attention, attention.v_proj, values)
    v = torch.einsum("nthe,hed->nhtd", v, _by_head(attention, weight_of(attention.out_proj).t()))
    return (v if bias is None else v + bias).flatten(1, 2)
