"""Every family of bases as tests see it. A family of transformers' models needs a builder in ``tests.models.TINY``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from samtailor.bases.base import Base
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.registry import load_base
from tests.bases.squashing import SquashingSam
from tests.models import TINY, tiny_model

__all__ = ["FAMILIES", "SLOW", "Case", "answer"]


@dataclass(frozen=True)
class Case:
    """A base under test.

    Attributes:
        family: name in ``TINY`` of the model that it is made of.
        wrap: makes the base of what ``load_base`` returns.
        reference_decoder: see ``load_base``.
    """

    family: str | None
    wrap: Callable[[Base], Base] = lambda base: base
    reference_decoder: bool = False

    def load(self, folder: Path) -> Base:
        """Load the base; ``folder`` is that of the tiny model."""
        source = "mobile-sam" if self.family is None else str(folder)
        return self.wrap(load_base(source, "cpu", self.reference_decoder))

    def forward(self) -> Any:
        """Return transformers' model with the same weights; None if there is none."""
        if self.family is None or self.wrap is SquashingSam:
            return None
        model = tiny_model(self.family)
        return repaired(model) if self.family == "sam-hq" else model


FAMILIES = {
    **{family: Case(family) for family in TINY},
    **{f"{family}, reference": Case(family, reference_decoder=True) for family in ("sam", "sam-hq", "sam2")},
    "squashing SAM": Case("sam", SquashingSam),
    "mobile-sam": Case(None),
}
SLOW = ("mobile-sam",)  # full-sized bases


def repaired(model: Any) -> Any:
    """Let ``SamHQModel`` upscale what its transformer returns, as HQ-SAM's own code does.

    transformers 5.24 upscales the embedding that goes into the transformer, with its axes swapped.
    """
    returned: list[Tensor] = []
    decoder = model.mask_decoder
    decoder.transformer.register_forward_hook(lambda module, inputs, output: returned.append(output[1]))
    decoder.upscale_conv1.register_forward_pre_hook(
        lambda module, inputs: (returned.pop().transpose(2, 3).reshape(inputs[0].shape),)
    )
    return model


def answer(model: Any, pixels: Tensor, prompts: PromptTensors, several: bool) -> tuple[Tensor, Tensor]:
    """Ask transformers' model for the masks (M, l, l) of one prompt on one image, and their estimates (M,).

    transformers takes pixel indices, ours are positions with centres at +0.5.
    """
    if hasattr(model.mask_decoder, "dynamic_multimask_via_stability"):
        model.mask_decoder.dynamic_multimask_via_stability = False  # a base never swaps masks
    out = model(
        pixel_values=pixels,
        input_points=None if prompts.points is None else prompts.points - 0.5,
        input_labels=prompts.labels,
        input_boxes=None if prompts.boxes is None else prompts.boxes - 0.5,
        input_masks=prompts.masks,
        multimask_output=several,
    )
    return out.pred_masks[0, 0], out.iou_scores[0, 0]
