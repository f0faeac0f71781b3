"""HQ-SAM as a base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samtailor.bases.base import Embeddings
from samtailor.bases.sam.base import SamBase
from samtailor.bases.sam.extras import Extras

__all__ = ["SamHqBase"]


class SamHqBase(SamBase):
    """SAM with HQ-SAM's finer mask, which is added to each of SAM's masks, as HQ-SAM does unless told otherwise.

    Embeddings are ``image`` (B, D, h, w) and ``details`` (B, D / 8, 4h, 4w), compressed features of an early layer.
    """

    def embedding_shapes(self) -> dict[str, tuple[int, ...]]:
        return super().embedding_shapes() | {"details": (self.embed_dim // 8, 4 * self.grid, 4 * self.grid)}

    @torch.no_grad()
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        image, details = self.image_encoder(self.pixels(images))
        return {"image": image, "details": details}

    def _extras(self, decoder: Any, embeddings: Embeddings) -> Extras:
        extras: Extras = decoder.extras(embeddings)
        return extras
