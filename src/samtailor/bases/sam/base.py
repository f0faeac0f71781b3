"""SAM's prompt encoder and mask decoder as a base, with any image encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.bases.base import Base, Decoded, Embeddings, MaskChoice
from samtailor.bases.blocks import blocks_of
from samtailor.bases.input_size import check_input_size
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.extras import Extras
from samtailor.bases.sam.fast_decoder import fast_decode
from samtailor.bases.sam.preprocess import PREPROCESSING, padded_frame, to_input
from samtailor.bases.sam.reference_decoder import reference_decode
from samtailor.bases.steering import Steering
from samtailor.frames import Frame

__all__ = ["SamBase", "fingerprint_of"]


def fingerprint_of(weights: Mapping[str, Tensor], preprocessing: str = PREPROCESSING) -> str:
    """Hash every tensor's name, type, shape and bytes, and the preprocessing, to 64 hex characters.

    Use the names under which the weights are published: names in our modules can change with a library's version.
    """
    digest = hashlib.blake2b(preprocessing.encode(), digest_size=32)
    for name, tensor in sorted(weights.items()):
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class SamBase(Base):
    """A base made of an image encoder and SAM's prompt encoder and mask decoder.

    Args:
        name: the name that the user typed.
        image_encoder: (B, 3, S, S) float -> (B, D, h, w); ``resize_input(size, cell)`` prepares it for another S.
        prompt_encoder: a ``PromptEncoder``, or transformers' ``SamPromptEncoder``.
        mask_decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        fingerprint: of the weights, from ``fingerprint_of``.
    """

    takes_masks = True
    # Any, because transformers' parts have no types that a checker can follow.
    image_encoder: Any
    prompt_encoder: Any
    mask_decoder: Any

    def __init__(
        self,
        name: str,
        image_encoder: nn.Module,
        prompt_encoder: nn.Module,
        mask_decoder: nn.Module,
        fingerprint: str,
    ) -> None:
        super().__init__()
        self.name = name
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder
        self.input_size = int(self.prompt_encoder.input_image_size)
        self.embed_dim = int(self.prompt_encoder.hidden_size)
        self.grid = int(self.prompt_encoder.image_embedding_size[0])
        self.mask_tokens = len(self.mask_decoder.output_hypernetworks_mlps)
        self.requires_grad_(False).eval()
        self.fingerprint = fingerprint
        self._position_rows: Tensor
        self.register_buffer("_position_rows", self._compute_positions(), persistent=False)

    def train(self, mode: bool = True) -> SamBase:
        """Stay in evaluation mode, even if a module that contains this base is set to training mode."""
        return super().train(False)

    def frame(self, width: int, height: int) -> Frame:
        return padded_frame(width, height, self.input_size, 4 * self.grid)

    @torch.no_grad()
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        return {"image": self.image_encoder(self.pixels(images))}

    def pixels(self, images: Sequence[np.ndarray]) -> Tensor:
        """Convert B images of any sizes to what the image encoder takes, (B, 3, S, S)."""
        return to_input(images, self.input_size).to(self.device)

    @torch.no_grad()
    def embed_prompts(self, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
        b, n = prompts.batch
        # SAM's encoder takes pixel indices and adds half a pixel; our frames already have centres at +0.5.
        points = None if prompts.points is None else prompts.points - 0.5
        boxes = None if prompts.boxes is None else prompts.boxes - 0.5
        if points is None and boxes is None:
            sparse = self.prompt_encoder.no_mask_embed.weight.new_zeros(b, n, 0, self.embed_dim)
        else:
            sparse, _ = self.prompt_encoder(points, prompts.labels, boxes, None)
        if prompts.masks is None:
            no_mask = self.prompt_encoder.no_mask_embed.weight[0, :, None, None]
            return sparse, no_mask.expand(b, n, -1, self.grid, self.grid)
        dense: Tensor = self.prompt_encoder.mask_embed(prompts.masks.flatten(0, 1)[:, None])
        return sparse, dense.view(b, n, *dense.shape[1:])

    def resize_input(self, size: int) -> None:
        if not hasattr(self.image_encoder, "resize_input"):
            return super().resize_input(size)
        cell = self.input_size // self.grid
        check_input_size(size, self.input_size, cell)
        if size == self.input_size:
            return
        self.image_encoder.resize_input(size, cell)
        self.input_size, self.grid = size, size // cell
        self.prompt_encoder.input_image_size = size
        self.prompt_encoder.image_embedding_size = (self.grid, self.grid)
        self._position_rows = self._compute_positions().to(self.device)
        self.name = f"{self.name}@{size}"
        self.fingerprint = hashlib.blake2b(f"{self.fingerprint} {size}".encode(), digest_size=32).hexdigest()

    def image_positions(self) -> Tensor:
        return self._position_rows.t().view(-1, self.grid, self.grid)

    def tunable_decoder(self) -> nn.Module:
        decoder: nn.Module = self.mask_decoder
        return decoder

    @torch.no_grad()
    def _compute_positions(self) -> Tensor:
        """Compute the positional encoding of the cells, (hw, D), counted row by row."""
        side = self.grid
        centres = (torch.arange(side, dtype=torch.float32) + 0.5) / side
        grid = torch.stack([centres[None, :].expand(side, side), centres[:, None].expand(side, side)], dim=-1)
        positions: Tensor = self.prompt_encoder.shared_embedding(grid)
        return positions.flatten(0, 1).contiguous()

    def decode(  # more than seven parameters: those of the contract
        self,
        embeddings: Embeddings,
        sparse: Tensor,
        dense: Tensor,
        masks: MaskChoice = "single",
        cells: Tensor | None = None,
        decoder: nn.Module | None = None,
        steering: Steering | None = None,
    ) -> Decoded:
        decoder = self.mask_decoder if decoder is None else decoder
        image, extras = embeddings["image"], self._extras(decoder, embeddings)
        given = decoder, image, self._position_rows, sparse, dense, masks
        if not self.reference_decoder:
            return fast_decode(*given, cells, steering, extras)
        decoded = reference_decode(*given, steering, extras)
        return decoded if cells is None else replace(decoded, logits=blocks_of(decoded.logits, cells))

    def _extras(self, decoder: Any, embeddings: Embeddings) -> Extras | None:
        """Return what the family adds to SAM's mask decoder."""
        return None
