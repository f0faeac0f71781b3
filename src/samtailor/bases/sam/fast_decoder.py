"""SAM's mask decoder by exact algebra: the same function as transformers' module, in another order of evaluation.

About seven tokens meet 4,096 image cells, so nothing is projected cell by cell that can be projected token by token:

* token to image: (q W_q)(k W_k)^T = (q W_q W_k^T) k^T, so the tokens go through the key matrix and the cells stay as
  they are; the key bias adds one number to all scores of a query and cancels in the softmax. Values are summed first,
  then projected.
* image to token: the cells' query projection moves onto the tokens in the same way; the output projection acts on the
  token values. Weights over tokens sum to one per head, so its bias is spread over the heads' values.
* before the first image-to-token step all prompts of an image see the same cells: they are not copied, and here
  projecting them, once for all prompts, costs least (``first_layer``).
* cells stay rows of channels (c, D) throughout: the two up-convolutions (kernel 2, stride 2) do not overlap, so each is
  one matrix product per cell, layer norms run over the last axis, and only the finished mask is laid out as a picture.

Under autocast what has a row per cell is of autocast's type from beginning to end, and the few tokens stay float32:
casting weights for seven tokens, and cells to and fro, took more time than the smaller type saved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.bases.base import Decoded, MaskChoice, selected_masks
from samtailor.bases.sam.first_layer import FirstLayer, project_first, weight_of

__all__ = ["blocks_of", "fast_decode"]

CELLS = 512  # upscaled at once where no gradient is wanted: their activations stay in a CPU's cache


def fast_decode(
    decoder: Any,
    image: Tensor,
    positions: Tensor,
    sparse: Tensor,
    dense: Tensor,
    masks: MaskChoice = "single",
    chosen_cells: Tensor | None = None,
) -> Decoded:
    """What ``SamMaskDecoder`` gives, for B images with N prompts each; differentiable to every input and weight.

    Args:
        decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        image: (B, D, h, w).
        positions: (hw, D), cells counted row by row.
        sparse: (B, N, T, D).
        dense: (B, N, D, h, w); expanded over N where all prompts of an image share it.
        masks: which mask tokens to answer with.
        chosen_cells: (B, N, K) or None; see ``Base.decode``.
    """
    kind = image.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else image.dtype
    with torch.autocast(kind, enabled=False):
        return _decode(decoder, image, positions.to(dtype), sparse.float(), dense, masks, chosen_cells)


def _decode(
    decoder: Any,
    image: Tensor,
    positions: Tensor,
    sparse: Tensor,
    dense: Tensor,
    masks: MaskChoice,
    chosen_cells: Tensor | None,
) -> Decoded:
    """``fast_decode`` with cells of the type of ``positions``."""
    b, n = sparse.shape[:2]
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    start = torch.cat([own.expand(b, n, -1, -1), sparse], dim=2).flatten(0, 1)  # (BN, 5+T, D)
    shared = n == 1 or dense.stride(1) == 0
    cells = _rows(image + dense[:, 0]) if shared else _rows((image[:, None] + dense).flatten(0, 1))
    cells = cells.to(positions.dtype)
    first = project_first(decoder, cells, positions) if shared else None
    chosen = selected_masks(masks)
    asked = range(1, 1 + decoder.num_mask_tokens)[chosen]
    tokens, cells = _two_way(decoder.transformer, start, cells, positions, first, [0, *asked])

    heads = list(decoder.output_hypernetworks_mlps)[chosen]
    weights = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(heads)], dim=-1)  # (BN, C, M)
    iou = decoder.iou_prediction_head(tokens[:, 0])[:, chosen]
    size = image.shape[-2:]

    def upscaled() -> Tensor:
        return _by_image(_picture(_upscale(decoder, cells), size), b)

    def blocks(wanted: Tensor, stage: int = 2) -> Tensor:
        chosen = _gathered(cells, wanted)
        if stage == 1:
            return _by_image(_upscale_once(decoder, chosen).view(*chosen.shape[:2], 4, -1), b)
        return _by_image(_in_rows(_upscale(decoder, chosen)), b)

    @torch.no_grad()
    def whole() -> Tensor:
        return _by_image(_picture(_masks(decoder, cells, weights), size), b)

    if chosen_cells is None:
        logits = _picture(_masks(decoder, cells, weights), size)
    else:
        logits = _in_rows(_masks(decoder, _gathered(cells, chosen_cells), weights)).permute(0, 3, 1, 2)
    return Decoded(_by_image(logits, b), _by_image(iou, b), upscaled, blocks, whole)


def _gathered(cells: Tensor, wanted: Tensor) -> Tensor:
    """Of (BN, hw, D) the cells (B, N, K): (BN, K, D)."""
    rows = wanted.flatten(0, 1) + torch.arange(len(cells), device=cells.device)[:, None] * cells.shape[1]
    # Not gather: its backward takes several times as long.
    return cells.flatten(0, 1).index_select(0, rows.flatten()).view(*rows.shape, -1)


def blocks_of(pictures: Tensor, cells: Tensor, size: int = 4) -> Tensor:
    """From (B, N, M, s h, s w), s: ``size``, the s x s blocks of cells (B, N, K): (B, N, M, K, s s), row by row."""
    b, n, m, height, width = pictures.shape
    rows = pictures.view(b, n, m, height // size, size, width // size, size)
    blocks = rows.transpose(4, 5).reshape(b, n, m, -1, size * size)
    return blocks.gather(3, cells[:, :, None, :, None].expand(-1, -1, m, -1, size * size))


def _by_image(answers: Tensor, b: int) -> Tensor:
    """(BN, ...) to (B, N, ...)."""
    return answers.reshape(b, -1, *answers.shape[1:])


def _rows(maps: Tensor) -> Tensor:
    """(G, D, h, w) to (G, hw, D), contiguous."""
    return maps.flatten(2).transpose(1, 2).contiguous()


def _two_way(
    transformer: Any, start: Tensor, cells: Tensor, positions: Tensor, first: FirstLayer | None, read: list[int]
) -> tuple[Tensor, Tensor]:
    """Of the tokens (BN, t, D) those that are ``read``, and cells (BN, c, D), after all layers.

    ``cells`` (B or BN, c, D), ``positions`` (c, D).
    """
    tokens, placed = start, cells + positions
    for layer in transformer.layers:
        if layer.skip_first_layer_pe:
            tokens = _self_attention(layer.self_attn, tokens, tokens)
        else:
            tokens = tokens + _self_attention(layer.self_attn, tokens + start, tokens)
        tokens = layer.layer_norm1(tokens)
        look, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        tokens = tokens + _to_image(look, tokens + start, placed, cells, first)
        tokens = layer.layer_norm2(tokens)
        tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
        cells = _norm(layer.layer_norm4, _to_tokens(back, placed, cells, tokens + start, tokens, first))
        placed, first = cells + positions, None
    tokens, start = tokens[:, read], start[:, read]  # nothing reads what the others would see now
    tokens = tokens + _to_image(transformer.final_attn_token_to_image, tokens + start, placed, cells)
    tokens = transformer.layer_norm_final_attn(tokens)
    return tokens, cells


def _norm(norm: Any, rows: Tensor) -> Tensor:
    weight, bias = norm.weight.to(rows.dtype), norm.bias.to(rows.dtype)
    return F.layer_norm(rows, norm.normalized_shape, weight, bias, norm.eps)


def _self_attention(attention: Any, queries: Tensor, values: Tensor) -> Tensor:
    projections = (attention.q_proj, queries), (attention.k_proj, queries), (attention.v_proj, values)
    q, k, v = (_split(attention, projection, tokens).transpose(1, 2) for projection, tokens in projections)
    found = F.scaled_dot_product_attention(q, k, v, scale=attention.scaling)
    answer: Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
    return answer


def _split(attention: Any, projection: Any, tokens: Tensor) -> Tensor:
    """Projected tokens (BN, t, D) by head: (BN, t, H, e)."""
    projected: Tensor = projection(tokens)
    return projected.view(*tokens.shape[:2], attention.num_attention_heads, -1)


def _by_head(attention: Any, weight: Tensor) -> Tensor:
    """A (He, D) weight as (H, e, D)."""
    return weight.view(attention.num_attention_heads, -1, weight.shape[-1])


def _to_image(
    attention: Any, queries: Tensor, placed: Tensor, cells: Tensor, first: FirstLayer | None = None
) -> Tensor:
    """Tokens (BN, t, D) look at cells (G, c, D), G = B or BN."""
    bn, t, d = queries.shape
    heads, groups = attention.num_attention_heads, len(cells)
    q = _split(attention, attention.q_proj, queries)
    answer: Tensor
    if first is not None:
        q = q.reshape(groups, -1, *q.shape[2:]).transpose(1, 2).to(cells.dtype)  # (G, H, rows, e)
        seen = _few_queries(q * attention.scaling, first.keys, first.values).float()
        answer = attention.out_proj(seen.transpose(1, 2).reshape(bn, t, -1))
        return answer
    q = q * attention.scaling
    in_keys = torch.einsum("nthe,hed->nhtd", q, _by_head(attention, weight_of(attention.k_proj)))
    summed = _few_queries(in_keys.reshape(groups, -1, d).to(cells.dtype), placed, cells).float().view(bn, heads, t, d)
    each = torch.einsum("nhtd,hed->nthe", summed, _by_head(attention, weight_of(attention.v_proj))).flatten(2)
    answer = attention.out_proj(each + attention.v_proj.bias)
    return answer


def _few_queries(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention whose backward leaves out keys and values that want no gradient, unlike PyTorch's fused one."""
    return _scores(queries, keys).softmax(-1) @ values


def _scores(queries: Tensor, keys: Tensor) -> Tensor:
    """(..., rows, D) and (..., c, D) to (..., rows, c).

    In the usual order the gradient of keys comes transposed; adding that to other gradients took longer in bfloat16
    than all products. In float32 both take as long.
    """
    if keys.dtype == torch.float32 or not keys.requires_grad:
        return queries @ keys.transpose(-2, -1)
    return (keys @ queries.transpose(-2, -1)).transpose(-2, -1).contiguous()


def _to_tokens(
    attention: Any, placed: Tensor, cells: Tensor, keys: Tensor, values: Tensor, first: FirstLayer | None = None
) -> Tensor:
    """Cells (G, c, D) look at tokens (BN, t, D) and add what they see: (BN, c, D)."""
    bn, t, d = keys.shape
    heads, groups, c = attention.num_attention_heads, len(cells), cells.shape[1]
    k = _split(attention, attention.k_proj, keys) * attention.scaling
    if first is not None:
        rows = k.reshape(groups, -1, *k.shape[2:]).transpose(1, 2).to(cells.dtype)  # (G, H, rows, e)
        scores = rows @ first.queries.transpose(2, 3)
        scores = scores.unflatten(2, (-1, t)).transpose(1, 2).reshape(bn, heads, t, c)
    else:
        in_queries = torch.einsum("nthe,hed->nhtd", k, _by_head(attention, weight_of(attention.q_proj)))
        bias = torch.einsum("nthe,he->nht", k, attention.q_proj.bias.view(heads, -1))
        found = _scores(in_queries.reshape(groups, -1, d).to(cells.dtype), placed)
        scores = found.view(bn, heads, t, c) + bias[..., None].to(cells.dtype)
    shares = scores.softmax(dim=2).view(bn, heads * t, c)

    v = _split(attention, attention.v_proj, values)
    seen = torch.einsum("nthe,hed->nhtd", v, _by_head(attention, weight_of(attention.out_proj).t()))
    seen = (seen + attention.out_proj.bias / heads).reshape(bn, heads * t, d)
    base = cells if groups == bn else cells[:, None].expand(-1, bn // groups, -1, -1).reshape(bn, c, d)
    return torch.baddbmm(base, shares.transpose(1, 2), seen.to(cells.dtype))


def _masks(decoder: Any, cells: Tensor, weights: Tensor) -> Tensor:
    """Logits (BN, c, 16, M): 16 pixels of every cell; ``weights`` (BN, C, M)."""
    if torch.is_grad_enabled() or cells.device.type != "cpu":
        return _dot(_upscale(decoder, cells), weights)
    parts = [_dot(_upscale(decoder, part), weights) for part in torch.split(cells, CELLS, dim=1)]
    return torch.cat(parts, dim=1)


def _dot(upscaled: Tensor, weights: Tensor) -> Tensor:
    return (upscaled.flatten(1, 2) @ weights.to(upscaled.dtype)).view(*upscaled.shape[:3], -1)


def _upscale(decoder: Any, cells: Tensor) -> Tensor:
    """Features of the 16 pixels of each cell, (BN, c, 16, C): rows 4 ky1 + 2 kx1 ... as ``_picture`` reads them."""
    bn, c, _ = cells.shape
    return F.gelu(_blocks(decoder.upscale_conv2, _upscale_once(decoder, cells))).view(bn, c, 16, -1)


def _upscale_once(decoder: Any, cells: Tensor) -> Tensor:
    """Features of the 4 pixels of each cell after the first up-convolution, (BNc * 4, D/4), by (ky1, kx1)."""
    first = _blocks(decoder.upscale_conv1, cells.flatten(0, 1))
    return F.gelu(_norm(decoder.upscale_layer_norm, first))


def _blocks(convolution: Any, rows: Tensor) -> Tensor:
    """A transposed convolution, kernel 2 and stride 2, on single pixels: (R, C_in) to (4 R, C_out), by (ky, kx)."""
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (4 C_out, C_in)
    return F.linear(rows, weight.to(rows.dtype), convolution.bias.repeat(4).to(rows.dtype)).view(len(rows) * 4, -1)


def _in_rows(pixels: Tensor) -> Tensor:
    """(BN, K, 16, M) from (ky1, kx1, ky2, kx2) to the rows of the 4 x 4 block."""
    bn, k, _, m = pixels.shape
    return pixels.view(bn, k, 2, 2, 2, 2, m).transpose(3, 4).reshape(bn, k, 16, m)


def _picture(pixels: Tensor, size: torch.Size) -> Tensor:
    """(BN, hw, 16, M) to (BN, M, 4h, 4w); a cell's 16 pixels come as (ky1, kx1, ky2, kx2)."""
    h, w = size
    bn, _, _, m = pixels.shape
    blocks = pixels.view(bn, h, w, 2, 2, 2, 2, m)
    return blocks.permute(0, 7, 1, 3, 5, 2, 4, 6).reshape(bn, m, 4 * h, 4 * w)
