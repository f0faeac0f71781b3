"""Files of HQ-SAM as its authors published them, such as ``sam_hq_vit_b.pth``: sizes and names of the tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from samtailor.bases.renaming import Renames, filled, renamed
from samtailor.bases.sam.published import configs_of
from samtailor.bases.sam.published import weights_of as sam_weights_of

__all__ = ["model_of", "weights_of"]

_FINER: Renames = (
    (r"^mask_decoder\.hf_token\.", "mask_decoder.hq_token."),
    (r"^mask_decoder\.hf_mlp\.", "mask_decoder.hq_mask_mlp."),
    *(
        (rf"^mask_decoder\.{theirs}\.{i}\.", f"mask_decoder.{ours}_{part}.")
        for theirs, ours in (
            ("compress_vit_feat", "compress_vit"),
            ("embedding_encoder", "encoder"),
            ("embedding_maskfeature", "mask"),
        )
        for i, part in ((0, "conv1"), (1, "norm"), (3, "conv2"))
    ),
)


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a published file to those of ``SamHQModel``."""
    return sam_weights_of(renamed(tensors, _FINER))


def model_of(tensors: Mapping[str, Tensor], source: str) -> Any:
    """Make transformers' model with the tensors of a published file."""
    from transformers import SamHQConfig, SamHQModel

    configs = configs_of(tensors, source)
    configs["mask_decoder_config"]["vit_dim"] = configs["vision_config"]["hidden_size"]
    return filled(SamHQModel, SamHQConfig(**configs), weights_of(tensors), source)
