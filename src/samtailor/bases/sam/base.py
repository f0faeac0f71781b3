"""What all SAM-shaped bases share: SAM's prompt encoder and mask decoder behind the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.bases.base import Base, Decoded, Embeddings, MaskChoice, chosen_masks
from samtailor.bases.sam.fast_decoder import blocks_of, fast_decode
from samtailor.bases.sam.parts import as_transformers
from samtailor.bases.sam.preprocess import PREPROCESSING, to_input

__all__ = ["SamShapedBase", "fingerprint_of"]


def fingerprint_of(weights: Mapping[str, Tensor], preprocessing: str = PREPROCESSING) -> str:
    """Hex digest (64 characters) over every tensor's name, type, shape and bytes, and the preprocessing.

    Give the names under which the weights are published: those of our modules change when a library renames a part.
    """
    digest = hashlib.blake2b(preprocessing.encode(), digest_size=32)
    for name, tensor in sorted(weights.items()):
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class SamShapedBase(Base):
    """A base made of an image encoder and SAM's prompt encoder and mask decoder.

    Args:
        name: what the user typed.
        image_encoder: (B, 3, S, S) float -> (B, D, h, w).
        prompt_encoder: a ``PromptEncoder``, or transformers' ``SamPromptEncoder``.
        mask_decoder: a ``MaskDecoder``, or transformers' ``SamMaskDecoder``.
        fingerprint: of the weights, by ``fingerprint_of``.

    Attributes:
        reference_decoder: True decodes with transformers' own forward instead of ``fast_decode``, which equals it.
    """

    # ours or transformers'; the latter's parts have no types that a checker could follow
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
        self.requires_grad_(False).eval()
        self.fingerprint = fingerprint
        self.reference_decoder = False
        self._position_rows: Tensor
        self.register_buffer("_position_rows", self._compute_positions(), persistent=False)

    def train(self, mode: bool = True) -> SamShapedBase:
        """A base stays frozen and in evaluation mode, whatever it is part of."""
        return super().train(False)

    @torch.no_grad()
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        return {"image": self.image_encoder(to_input(images, self.input_size).to(self.device))}

    @torch.no_grad()
    def embed_prompts(
        self, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        # SAM's encoder takes whole pixel numbers and adds half a pixel; our frames already have centres at +0.5.
        points = None if points is None else points - 0.5
        boxes = None if boxes is None else boxes - 0.5
        sparse, dense = self.prompt_encoder(points, labels, boxes, None)
        return sparse, dense[:, None].expand(-1, sparse.shape[1], -1, -1, -1)

    def image_positions(self) -> Tensor:
        return self._position_rows.t().view(-1, self.grid, self.grid)

    @torch.no_grad()
    def _compute_positions(self) -> Tensor:
        """(hw, D), cells counted row by row."""
        side = self.grid
        centres = (torch.arange(side, dtype=torch.float32) + 0.5) / side
        grid = torch.stack([centres[None, :].expand(side, side), centres[:, None].expand(side, side)], dim=-1)
        positions: Tensor = self.prompt_encoder.shared_embedding(grid)
        return positions.flatten(0, 1).contiguous()

    def decode(
        self,
        embeddings: Embeddings,
        sparse: Tensor,
        dense: Tensor,
        masks: MaskChoice = "single",
        cells: Tensor | None = None,
        decoder: nn.Module | None = None,
    ) -> Decoded:
        image, decoder = embeddings["image"], self.mask_decoder if decoder is None else decoder
        if not self.reference_decoder:
            return fast_decode(decoder, image, self._position_rows, sparse, dense, masks, cells)
        found = self._decode_by_reference(decoder, image, sparse, dense, masks)
        return found if cells is None else replace(found, logits=blocks_of(found.logits, cells))

    def _decode_by_reference(
        self, decoder: Any, image: Tensor, sparse: Tensor, dense: Tensor, masks: MaskChoice
    ) -> Decoded:
        """transformers' own order of evaluation, which the fast decoder is compared with."""
        decoder = as_transformers(decoder)
        b, n, _, d = sparse.shape
        h, w = image.shape[-2:]

        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([own.expand(b, n, -1, -1), sparse], dim=2).flatten(0, 1)[:, None]  # (BN, 1, 5+T, D)
        cells = (image[:, None] + dense).flatten(0, 1)  # (BN, D, h, w)
        tokens, cells = decoder.transformer(tokens, cells, self.image_positions()[None], None)

        upscaled = decoder.upscale_conv1(cells.transpose(2, 3).reshape(b * n, d, h, w))
        once = decoder.activation(decoder.upscale_layer_norm(upscaled))
        upscaled = decoder.activation(decoder.upscale_conv2(once))

        chosen = chosen_masks(masks)
        mlps = list(decoder.output_hypernetworks_mlps)[chosen]
        mask_tokens = tokens[:, 0, 1 : 1 + decoder.num_mask_tokens][:, chosen]
        weights = torch.stack([mlp(mask_tokens[:, i]) for i, mlp in enumerate(mlps)], dim=1)  # (BN, M, C)
        logits = (weights @ upscaled.flatten(2)).unflatten(-1, upscaled.shape[-2:]).unflatten(0, (b, n))
        iou = decoder.iou_prediction_head(tokens[:, 0, 0])[:, chosen].unflatten(0, (b, n))
        features, early = upscaled.unflatten(0, (b, n)), once.unflatten(0, (b, n))

        def blocks(wanted: Tensor, stage: int = 2) -> Tensor:
            found = blocks_of(early, wanted, 2) if stage == 1 else blocks_of(features, wanted)
            return found.permute(0, 1, 3, 4, 2)

        return Decoded(logits, iou, lambda: features, blocks, logits.detach)
