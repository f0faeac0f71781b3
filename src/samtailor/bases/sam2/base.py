"""SAM 2's image path as a base; EdgeTAM and SAM 3's tracker have the same parts behind another image encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.bases.base import Embeddings
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.base import SamBase
from samtailor.bases.sam.extras import Extras
from samtailor.bases.sam2.preprocess import Normalisation, squashed_frame, to_square
from samtailor.frames import Frame

__all__ = ["Sam2Base"]


class Sam2Base(SamBase):
    """A base that squashes images to a square and reads three levels of image features.

    Embeddings are ``image`` (B, D, h, w), ``half`` (B, D / 4, 2h, 2w) and ``full`` (B, D / 8, 4h, 4w).

    Args:
        name: the name that the user typed.
        image_encoder: (B, 3, S, S) float -> the embeddings, by name.
        prompt_encoder: a ``PaddingPromptEncoder``.
        mask_decoder: a ``Sam2Decoder``.
        fingerprint: of the weights, from ``fingerprint_of``.
        normalisation: of the pixels.
    """

    def __init__(
        self,
        name: str,
        image_encoder: nn.Module,
        prompt_encoder: nn.Module,
        mask_decoder: nn.Module,
        fingerprint: str,
        normalisation: Normalisation,
    ) -> None:
        super().__init__(name, image_encoder, prompt_encoder, mask_decoder, fingerprint)
        self.normalisation = normalisation

    def frame(self, width: int, height: int) -> Frame:
        return squashed_frame(width, height, self.input_size, 4 * self.grid)

    def embedding_shapes(self) -> dict[str, tuple[int, ...]]:
        width, side = self.embed_dim, self.grid
        levels = {"half": (width // 4, 2 * side, 2 * side), "full": (width // 8, 4 * side, 4 * side)}
        return super().embedding_shapes() | levels

    @torch.no_grad()
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        levels: dict[str, Tensor] = self.image_encoder(self.pixels(images))
        return levels

    def pixels(self, images: Sequence[np.ndarray]) -> Tensor:
        return to_square(images, self.input_size, self.normalisation).to(self.device)

    def token_kinds(self, prompts: PromptTensors) -> Tensor:
        kinds = super().token_kinds(prompts)
        return kinds if prompts.boxes is None else torch.cat([kinds, torch.full_like(kinds[..., :1], 2)], dim=-1)

    def _extras(self, decoder: Any, embeddings: Embeddings) -> Extras:
        extras: Extras = decoder.extras(embeddings)
        return extras
