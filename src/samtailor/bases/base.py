"""The contract of a base: a frozen promptable model, seen by everything above through these verbs.

Shape letters: B images, N prompts per image, P points per prompt, T prompt tokens, D embedding width,
h w embedding cells, M masks per prompt, C channels of the upscaled map.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.errors import PromptError

__all__ = ["TOKEN_KINDS", "Base", "Blocks", "Decoded", "Embeddings", "MaskChoice", "chosen_masks"]

Embeddings = Mapping[str, Tensor]
"""What the encoder says of B images: named tensors whose first axis is B; ``"image"`` is always (B, D, h, w)."""

MaskChoice = Literal["single", "multi", "all", 0, 1, 2, 3]
"""Which mask tokens to return: the single-mask token (M=1), the ambiguity tokens (M=3), or both, single first (M=4); a
number: that one of all four (M=1), so that 0 is the single-mask token."""


TOKEN_KINDS = ("background click", "foreground click", "not a point", "box corner 0", "box corner 1")
"""What a prompt token may stand for; ``Base.token_kinds`` counts in this order, so that a click's kind is its label."""


def chosen_masks(masks: MaskChoice) -> slice:
    """Where the wanted tokens stand among all."""
    if isinstance(masks, int):
        return slice(masks, masks + 1)
    return {"single": slice(0, 1), "multi": slice(1, None), "all": slice(0, None)}[masks]


class Blocks(Protocol):
    """Features of single cells, differentiable; others are not computed."""

    def __call__(self, cells: Tensor, /, stage: int = 2) -> Tensor:
        """The blocks that cells become by upscaling.

        Args:
            cells: (B, N, K) int, counted row by row.
            stage: 2: of ``Decoded.upscaled``; 1: after the first of SAM's two up-convolutions, with 2 C channels.

        Returns:
            (B, N, K, 16, C) for stage 2, the 4 x 4 block row by row; (B, N, K, 4, 2 C) for stage 1, 2 x 2.
        """


@dataclass(frozen=True)
class Decoded:
    """Answer of a mask decoder.

    Attributes:
        logits: (B, N, M, 4h, 4w), low-res frame; the mask is ``logits > 0``. Where only some cells were asked for:
            (B, N, M, K, 16), the 4 x 4 block of each cell, row by row.
        iou: (B, N, M), the model's own estimate of each mask's IoU.
        upscale: computes ``upscaled``; most callers never ask.
        blocks: features of single cells.
        whole: the logits of all cells as a picture, (B, N, M, 4h, 4w), without gradient.
    """

    logits: Tensor
    iou: Tensor
    upscale: Callable[[], Tensor]
    blocks: Blocks
    whole: Callable[[], Tensor]

    @property
    def upscaled(self) -> Tensor:
        """(B, N, C, 4h, 4w), the features that the masks are read from."""
        return self.upscale()


class Base(nn.Module, abc.ABC):
    """A frozen promptable model. Parameters never require gradients; adapters live outside.

    Attributes:
        name: what a user types, e.g. ``mobile-sam``.
        input_size: side of the padded square the encoder sees (input frame), pixels.
        embed_dim: D.
        grid: h = w, cells along a side of the embedding.
        fingerprint: hex digest over weights and preprocessing; keys the cache and guards adapters.
    """

    name: str
    input_size: int
    embed_dim: int
    grid: int
    fingerprint: str

    @abc.abstractmethod
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Embed B images, each (H, W, 3) uint8 RGB of any size; the base does its own preprocessing."""

    @abc.abstractmethod
    def embed_prompts(
        self, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Prompt tokens, in the input frame (pixels of the padded square, pixel centres at +0.5).

        Args:
            points: (B, N, P, 2) float, (x, y), or None.
            labels: (B, N, P) int, 1 foreground, 0 background, -1 padding; None only without points.
            boxes: (B, N, 4) float, (x0, y0, x1, y1), or None.

        Returns:
            sparse (B, N, T, D) and dense (B, N, D, h, w), the latter expanded, not copied.
        """

    def token_kinds(self, labels: Tensor | None, boxes: Tensor | None) -> Tensor:
        """What each token of ``embed_prompts`` stands for, from the same labels and boxes.

        SAM's order: the points, a "not a point" where there is no box, the box's two corners. A base with another
        order says its own.

        Returns:
            (B, N, T) int, places in ``TOKEN_KINDS``.
        """
        some = labels if labels is not None else boxes
        if some is None:
            raise PromptError("A prompt has neither points nor a box.", "Give one of them.")
        alike = torch.zeros(*some.shape[:2], 1, dtype=torch.int64, device=some.device)
        parts = [] if labels is None else [torch.where(labels < 0, 2, labels)]
        parts += [alike + 2] if boxes is None else [alike + 3, alike + 4]
        return torch.cat(parts, dim=-1)

    @abc.abstractmethod
    def decode(
        self,
        embeddings: Embeddings,
        sparse: Tensor,
        dense: Tensor,
        masks: MaskChoice = "single",
        cells: Tensor | None = None,
        decoder: nn.Module | None = None,
    ) -> Decoded:
        """Masks of B x N prompts.

        Args:
            embeddings: of B images.
            sparse: (B, N, T, D).
            dense: (B, N, D, h, w).
            masks: which mask tokens to answer with.
            cells: (B, N, K) int, embedding cells counted row by row; then only their blocks of the mask are made. None
                makes all.
            decoder: a mask decoder of the same form to use in place of the base's own, which stays as it is.
        """

    @abc.abstractmethod
    def image_positions(self) -> Tensor:
        """Positional encoding of the embedding grid, (D, h, w)."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device
