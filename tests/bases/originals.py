"""The published code of each family, with random weights: models, and what they answer to prompts.

The packages are development dependencies of the extra ``originals``; a test that needs one is skipped without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

__all__ = ["ORIGINALS", "PROMPTS", "Original", "Prompt", "randomised"]


@dataclass(frozen=True)
class Prompt:
    """A prompt in pixels of the image, as the original code takes it: pixel centres are whole numbers."""

    points: Any = None
    labels: Any = None
    box: Any = None
    mask: bool = False


PROMPTS = {
    "click": Prompt(points=[[0.3, 0.6]], labels=[1]),
    "clicks": Prompt(points=[[0.3, 0.6], [0.8, 0.2]], labels=[1, 0]),
    "box": Prompt(box=[0.2, 0.1, 0.7, 0.8]),
    "box + click": Prompt(points=[[0.4, 0.5]], labels=[1], box=[0.2, 0.1, 0.7, 0.8]),
    "mask": Prompt(mask=True),
    "click + mask": Prompt(points=[[0.3, 0.6]], labels=[1], mask=True),
    "box + mask": Prompt(box=[0.2, 0.1, 0.7, 0.8], mask=True),
}
"""Prompts in shares of the image's sides."""


def randomised(model: nn.Module) -> Any:
    """Give every parameter random values of a size at which all parts have an effect."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith("weight")
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 100
            parameter.copy_(1 + 0.1 * noise if is_norm else noise * fan_in**-0.5)
        for name, buffer in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) * 0.2 + ("var" in name))
    return model.eval()


class Original:
    """A model of the published code, and what it answers.

    Attributes:
        model: the module whose state dict is published.
        finer: whether several masks come as the best alone (HQ-SAM).
    """

    finer = False

    def __init__(self, model: Any, predictor: Any) -> None:
        self.model, self.predictor = model, predictor

    def save(self, path: Path) -> Path:
        torch.save(self.model.state_dict(), path)
        return path

    def embeddings(self, image: np.ndarray) -> dict[str, Tensor]:
        """Set the image, and return the embeddings under our names."""
        self.predictor.set_image(image)
        return {"image": self.predictor.features}

    @torch.no_grad()
    def decode(self, prompt: Mapping[str, Tensor | None], several: bool) -> tuple[Tensor, Tensor]:
        """Return low-res logits (M, l, l) and estimates (M,) of one prompt, in pixels of the image."""
        transform, size = self.predictor.transform, self.predictor.original_size
        points, boxes = prompt["points"], prompt["boxes"]
        _, iou, logits = self.predictor.predict_torch(
            None if points is None else transform.apply_coords_torch(points, size),
            prompt["labels"],
            None if boxes is None else transform.apply_boxes_torch(boxes, size),
            prompt["masks"],
            multimask_output=several,
            return_logits=True,
        )
        return logits[0], iou[0]


class _HqOriginal(Original):
    finer = True


class _Sam2Original(Original):
    def save(self, path: Path) -> Path:
        torch.save({"model": self.model.state_dict()}, path)
        return path

    def embeddings(self, image: np.ndarray) -> dict[str, Tensor]:
        self.predictor.set_image(image)
        features = self.predictor._features
        full, half = features["high_res_feats"]
        return {"image": features["image_embed"], "half": half, "full": full}

    @torch.no_grad()
    def decode(self, prompt: Mapping[str, Tensor | None], several: bool) -> tuple[Tensor, Tensor]:
        mask, points, labels, box = self.predictor._prep_prompts(
            prompt["points"], prompt["labels"], prompt["boxes"], prompt["masks"], True
        )
        self.model.sam_mask_decoder.dynamic_multimask_via_stability = False  # we never swap masks
        sharp = torch.clamp
        torch.clamp = lambda values, *_: values  # type: ignore[assignment]  # it cuts logits off at 32
        try:
            _, iou, logits = self.predictor._predict(points, labels, box, mask, several, return_logits=True)
        finally:
            torch.clamp = sharp
        return logits[0], iou[0]


def _vit(modeling: Any, size: str) -> dict[str, Any]:
    """Build an image encoder and a prompt encoder: full-size, or small in all that shapes tell."""
    depth, width, heads, side, window, far = {
        "small": (4, 48, 3, 256, 6, [1, 3]),
        "vit_b": (12, 768, 12, 1024, 14, [2, 5, 8, 11]),
        "vit_h": (32, 1280, 16, 1024, 14, [7, 15, 23, 31]),
    }[size]
    encoder = modeling.ImageEncoderViT(
        depth=depth,
        embed_dim=width,
        img_size=side,
        mlp_ratio=4,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=heads,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=far,
        window_size=window,
        out_chans=256,
    )
    grid = (side // 16, side // 16)
    prompts = modeling.PromptEncoder(
        embed_dim=256, image_embedding_size=grid, input_image_size=(side, side), mask_in_chans=16
    )
    return {"image_encoder": encoder, "prompt_encoder": prompts}


def _decoder(modeling: Any, decoder: Any, **options: Any) -> Any:
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    return decoder(num_multimask_outputs=3, transformer=transformer, transformer_dim=256, **options)


def sam(size: str = "small") -> Original:
    package = pytest.importorskip("segment_anything", reason="needs segment-anything (extra originals)")
    modeling = package.modeling
    model = modeling.Sam(**_vit(modeling, size), mask_decoder=_decoder(modeling, modeling.MaskDecoder))
    return Original(model, package.SamPredictor(model))


def sam_hq(size: str = "small") -> Original:
    package = pytest.importorskip("segment_anything_hq", reason="needs segment-anything-hq (extra originals)")
    modeling = package.modeling
    parts = _vit(modeling, size)
    width = parts["image_encoder"].pos_embed.shape[-1]
    decoder = _decoder(modeling, modeling.MaskDecoderHQ, vit_dim=width)
    model = modeling.Sam(**parts, mask_decoder=decoder)
    return _HqOriginal(model, package.SamPredictor(model))


def mobile_sam() -> Original:
    package = pytest.importorskip("mobile_sam", reason="needs mobilesam-mirror (extra originals)")
    model = package.sam_model_registry["vit_t"]()
    return Original(model, package.SamPredictor(model))


def sam2() -> Original:
    reason = "needs sam2 (extra originals)"
    build = pytest.importorskip("sam2.build_sam", reason=reason).build_sam2
    predictor = pytest.importorskip("sam2.sam2_image_predictor", reason=reason).SAM2ImagePredictor
    model = build("configs/sam2.1/sam2.1_hiera_t.yaml", device="cpu")
    return _Sam2Original(model, predictor(model))


ORIGINALS: dict[str, Callable[[], Original]] = {
    "sam": sam,
    "sam_hq": sam_hq,
    "mobile_sam": mobile_sam,
    "sam2": sam2,
}
