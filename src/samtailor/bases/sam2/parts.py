"""SAM 2's prompt encoder and mask decoder in plain torch; EdgeTAM and SAM 3's tracker have the same.

They differ from SAM's in three ways: boxes are followed by a padding token, the estimates of the IoU end in a sigmoid,
and a token that tells whether an object is there takes part in the attention. What is read from that token serves
videos and is left out. Parts and parameters are named as SAM's, so all methods find them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from samtailor.bases.base import Embeddings
from samtailor.bases.sam.extras import Extras
from samtailor.bases.sam.parts import DecoderSizes, Head, MaskDecoder, PromptEncoder

__all__ = ["PaddingPromptEncoder", "Sam2Decoder", "renamed_decoder", "renamed_prompt_encoder"]

_UNUSED = ("conv_s0.", "conv_s1.", "pred_obj_score_head.")


class PaddingPromptEncoder(PromptEncoder):
    """SAM's prompt encoder with a padding token after the corners of boxes."""

    def forward(
        self, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        sparse, dense = super().forward(points, labels, boxes, masks)
        if boxes is not None:
            padding = self.not_a_point_embed.weight.expand(*sparse.shape[:2], 1, -1)
            sparse = torch.cat([sparse, padding], dim=2)
        return sparse, dense


class _Estimates(Head):
    """Estimates of the IoU between 0 and 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).sigmoid()


class Sam2Decoder(MaskDecoder):
    """The weights of SAM 2's mask decoder."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        self.obj_score_token = nn.Embedding(1, sizes.hidden_size)
        hidden, depth = sizes.iou_head_hidden_dim, sizes.iou_head_depth
        self.iou_prediction_head = _Estimates(sizes.hidden_size, hidden, self.num_mask_tokens, depth)

    def extras(self, embeddings: Embeddings) -> Extras:
        """Return the additions to SAM's decoder: the object token and two levels of image features."""
        return Extras(self.obj_score_token.weight, embeddings["half"], embeddings["full"])


def renamed_decoder(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights of transformers' ``Sam2MaskDecoder`` to those of ``Sam2Decoder``."""
    renamed = {}
    for name, tensor in weights.items():
        if name.startswith(_UNUSED):
            continue
        new = name.replace(".o_proj.", ".out_proj.")
        renamed[new.replace(".mlp.proj_in.", ".mlp.lin1.").replace(".mlp.proj_out.", ".mlp.lin2.")] = tensor
    return renamed


def renamed_prompt_encoder(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights of transformers' ``Sam2PromptEncoder`` to those of ``PaddingPromptEncoder``."""
    renamed = dict(weights)
    rows = renamed.pop("point_embed.weight")
    return renamed | {f"point_embed.{i}.weight": row for i, row in enumerate(rows[:, None])}
