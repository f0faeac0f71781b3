"""The contract of a base, a frozen promptable model. All other rooms work with any base that follows it.

Shape letters: B images, N prompts per image, P points per prompt, T prompt tokens, D embedding width,
h w embedding cells, M masks per prompt, C channels of the upscaled features.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.bases.prompts import PromptTensors
from samtailor.bases.steering import Steering
from samtailor.errors import BaseModelError
from samtailor.frames import Frame

__all__ = ["TOKEN_KINDS", "Base", "Blocks", "Decoded", "Embeddings", "MaskChoice", "selected_masks"]

Embeddings = Mapping[str, Tensor]
"""Output of the encoder for B images: named tensors whose first axis is B; ``"image"`` is always (B, D, h, w)."""

MaskChoice = Literal["single", "multi", "all"] | int
"""Which mask tokens to decode. ``single``: token 0 (M = 1), the one mask for a clear prompt. ``multi``: all others, the
alternatives for an ambiguous prompt. ``all``: every token, single first. A number: that token alone (M = 1)."""

TOKEN_KINDS = ("background click", "foreground click", "not a point", "box corner 0", "box corner 1")
"""Kinds of prompt tokens. ``Base.token_kinds`` returns indices into this tuple, so the kind of a click is its label."""


def selected_masks(masks: MaskChoice) -> slice:
    """Convert a choice of mask tokens to a slice of all mask tokens."""
    if isinstance(masks, int):
        return slice(masks, masks + 1)
    return {"single": slice(0, 1), "multi": slice(1, None), "all": slice(0, None)}[masks]


class Blocks(Protocol):
    """A differentiable function that computes upscaled features of single cells."""

    def __call__(self, cells: Tensor, /, stage: int = 2) -> Tensor:
        """Upscale some cells.

        Args:
            cells: (B, N, K) int, counted row by row.
            stage: 2 for the features in ``Decoded.upscaled``; 1 for those after the first of SAM's two
                up-convolutions, which have 2 C channels.

        Returns:
            (B, N, K, 16, C) for stage 2, each 4 x 4 block row by row; (B, N, K, 4, 2 C) for stage 1, each 2 x 2.
        """


@dataclass(frozen=True)
class Decoded:
    """Output of a mask decoder.

    Attributes:
        logits: (B, N, M, 4h, 4w), low-res frame; the mask is ``logits > 0``. If only some cells were decoded:
            (B, N, M, K, 16), the 4 x 4 block of each cell, row by row.
        iou: (B, N, M), the model's own estimate of each mask's IoU.
        upscale: computes ``upscaled``; most callers never need it.
        blocks: computes features of single cells.
        whole: computes the logits of all cells, (B, N, M, 4h, 4w), without gradient.
        at: computes the logits of other cells (B, N, K) with gradient, (B, N, M, K, 16).
    """

    logits: Tensor
    iou: Tensor
    upscale: Callable[[], Tensor]
    blocks: Blocks
    whole: Callable[[], Tensor]
    at: Callable[[Tensor], Tensor]

    @property
    def upscaled(self) -> Tensor:
        """(B, N, C, 4h, 4w), the features from which the masks are computed."""
        return self.upscale()


class Base(nn.Module, abc.ABC):
    """A frozen promptable model. Its parameters never require gradients; adapters live outside.

    Attributes:
        name: the name that a user types, e.g. ``mobile-sam``.
        input_size: side of the square that the encoder sees (input frame), pixels.
        embed_dim: D.
        grid: h = w, cells along a side of the embedding.
        fingerprint: hex digest of weights and preprocessing; keys the embedding store and guards adapters.
        mask_tokens: how many mask tokens the decoder has. Token 0 is the single mask; the others are alternatives for
            an ambiguous prompt.
        takes_masks: whether ``PromptTensors.masks`` is supported.
        reference_decoder: whether ``decode`` uses the slower forward pass of the library that the weights come from,
            instead of an equal one of ours. Bases with only one forward pass ignore it.
    """

    name: str
    input_size: int
    embed_dim: int
    grid: int
    fingerprint: str
    mask_tokens: int = 1
    takes_masks: bool = False
    reference_decoder: bool = False

    @abc.abstractmethod
    def frame(self, width: int, height: int) -> Frame:
        """Return the placement of an image of ``width`` x ``height`` pixels in this base's input."""

    @abc.abstractmethod
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Embed B images, each (H, W, 3) uint8 RGB of any size; includes the base's own preprocessing."""

    def embedding_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of what ``encode`` returns, without the batch axis; stored embeddings are checked."""
        return {"image": (self.embed_dim, self.grid, self.grid)}

    @abc.abstractmethod
    def embed_prompts(self, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
        """Turn prompts into tokens.

        Args:
            prompts: N prompts on each of B images, input frame.

        Returns:
            sparse (B, N, T, D), and dense (B, N, D, h, w). Dense is expanded over N, not copied, if no prompt has a
            mask. T is 0 if the prompts have only masks.

        Raises:
            PromptError: the prompts are empty, or have masks and the base does not take masks.
        """

    def token_kinds(self, prompts: PromptTensors) -> Tensor:
        """Return the kind of each token that ``embed_prompts`` returns for the same prompts.

        The order is SAM's: the points, one "not a point" if there are points and no box, the two corners of the box. A
        base with another order overrides this.

        Returns:
            (B, N, T) int, indices into ``TOKEN_KINDS``.
        """
        labels, boxes = prompts.labels, prompts.boxes
        device = next(p.device for p in (labels, boxes, prompts.masks) if p is not None)
        zeros = torch.zeros(*prompts.batch, 1, dtype=torch.int64, device=device)
        parts = [zeros[..., :0]]
        if labels is not None:
            parts.append(torch.where(labels < 0, 2, labels))
        if boxes is not None:
            parts += [zeros + 3, zeros + 4]
        elif labels is not None:
            parts.append(zeros + 2)
        return torch.cat(parts, dim=-1)

    @abc.abstractmethod
    def decode(  # more than seven parameters: callers use the first three and name the others
        self,
        embeddings: Embeddings,
        sparse: Tensor,
        dense: Tensor,
        masks: MaskChoice = "single",
        cells: Tensor | None = None,
        decoder: nn.Module | None = None,
        steering: Steering | None = None,
    ) -> Decoded:
        """Decode the masks of B x N prompts.

        Args:
            embeddings: of B images.
            sparse: (B, N, T, D).
            dense: (B, N, D, h, w).
            masks: which mask tokens to decode.
            cells: (B, N, K) int, embedding cells counted row by row; only their blocks of the mask are decoded. None
                decodes all.
            decoder: a changed copy of ``tunable_decoder()`` to use instead of the base's own decoder.
            steering: what to add to the tokens inside the decoder; bases without a ``tunable_decoder()`` need not take
                it.
        """

    @abc.abstractmethod
    def image_positions(self) -> Tensor:
        """Return the positional encoding of the embedding grid, (D, h, w)."""

    def resize_input(self, size: int) -> None:
        """Let the encoder see images of another size: ``size`` pixels along the longer side.

        A smaller size is faster and coarser: embedding and masks have fewer cells. Name and fingerprint change too.

        Raises:
            BaseModelError: the base has one size only, or cannot have this one.
        """
        raise BaseModelError(f"The base {self.name!r} has one input size, {self.input_size}.", "Leave the size out.")

    def tunable_decoder(self) -> nn.Module | None:
        """Return the mask decoder, of which ``decode`` accepts changed copies; None if it cannot be tuned."""
        return None

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def __repr__(self) -> str:
        return f"<Base {self.name!r}: {self.input_size} pixels, on {self.device}>"
