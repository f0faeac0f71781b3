"""The decoder's first layer sees an image that no prompt has touched: its projections serve all of its prompts.

Counted in multiply-adds they cost 402 M and save 165 M for each prompt. They are made even for a single one, so that an
answer does not depend, in its last bits, on how many prompts came before it.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional as F

__all__ = ["FirstLayer", "Keeper", "project_first", "weight_of"]


class FirstLayer(NamedTuple):
    """What the first layer's attentions make of images; (G, H, c, e) each: H heads of e channels, c cells.

    Attributes:
        keys: of the tokens' look at the image.
        values: of the same.
        queries: of the image's look at the tokens.
    """

    keys: Tensor
    values: Tensor
    queries: Tensor


def project_first(decoder: Any, cells: Tensor, positions: Tensor) -> FirstLayer:
    """``cells`` (G, c, D) with the dense prompt added, ``positions`` (c, D)."""
    layer, placed = decoder.transformer.layers[0], cells + positions
    look, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    projected = _linear(look.k_proj, placed), _linear(look.v_proj, cells), _linear(back.q_proj, placed)
    heads = look.num_attention_heads
    return FirstLayer(*(rows.view(*rows.shape[:2], heads, -1).transpose(1, 2) for rows in projected))


def _linear(projection: Any, rows: Tensor) -> Tensor:
    return F.linear(rows, weight_of(projection).to(rows.dtype), projection.bias.to(rows.dtype))


def weight_of(projection: Any) -> Tensor:
    """The weight that ``projection`` acts with: one that peft has wrapped shows its plain one and keeps the change."""
    weight: Tensor = projection.weight
    if not hasattr(projection, "get_delta_weight") or projection.merged or projection.disable_adapters:
        return weight
    for name in projection.active_adapters:
        weight = weight + projection.get_delta_weight(name)
    return weight


class _Kept(NamedTuple):
    image: weakref.ref[Tensor]
    version: int
    layer: FirstLayer


class Keeper:
    """Keeps the projections of the image that was asked last: a click is followed by another one.

    What is kept is replaced in one assignment, so that threads may ask for different images at once.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def __getstate__(self) -> dict[str, None]:
        return {"_kept": None}  # a copy or a pickle starts afresh: weak references cannot be pickled

    def get(self, decoder: Any, image: Tensor, dense: Tensor, positions: Tensor) -> FirstLayer:
        """Of ``image`` (B, D, h, w), float32.

        Args:
            decoder: always the same, frozen.
            image: told apart by identity and, where it can be, by whether it was written to.
            dense: (D,) or (D, 1, 1), always the same.
            positions: (hw, D).
        """
        kept, version = self._kept, 0 if image.is_inference() else image._version
        if kept is None or kept.image() is not image or kept.version != version:
            cells = (image + dense.view(-1, 1, 1)).flatten(2).transpose(1, 2).contiguous()
            kept = _Kept(weakref.ref(image), version, project_first(decoder, cells, positions))
            self._kept = kept
        return kept.layer
