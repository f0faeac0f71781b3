"""The PLM with a simple boundary loss: the baseline for methods with a loss on boundaries."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.plm import PLM
from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.blocks import blocks_of
from samtailor.losses import hard_truth

__all__ = ["PlmBoundary", "boundary_band", "boundary_loss"]

REACH = 2  # low-res pixels on either side of the boundary


class PlmBoundary(PLM):
    """The PLM with the same parameters, trained with ``boundary_loss`` in addition. Identity before training.

    Args:
        share: weight of the boundary term.
        sizes: sizes of the PLM.
    """

    method: ClassVar[str] = "plm+boundary"

    def __init__(self, *, share: float = 1.0, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.share = share

    @property
    def config(self) -> dict[str, Any]:
        return {**super().config, "share": self.share}

    def extra_terms(self, step: TrainingStep) -> dict[str, Tensor]:
        target = step.target
        band = boundary_band(step.truth, step.valid)
        count = band.flatten(1).sum(1)
        if target.cells is not None:
            band = blocks_of(band[None, :, None], target.cells[None])[0, :, 0]
        logits = step.decoded.logits[0, :, 0].float()
        return {"boundary": self.share * boundary_loss(logits, target.truth, target.weight * band, count)}


def boundary_band(truth: Tensor, valid: Tensor, reach: int = REACH) -> Tensor:
    """Mark the pixels within ``reach`` of the truth's boundary, on either side.

    The border of the image and of the padding is not a boundary.

    Args:
        truth: (N, l, l) share of each low-res pixel that is foreground.
        valid: (l, l) bool.
        reach: pixels, counted as the larger of the distances along x and y.

    Returns:
        (N, l, l) bool.
    """
    foreground = hard_truth(truth)
    near_foreground, near_background = (_dilate(side & valid, reach) for side in (foreground, ~foreground))
    return near_foreground & near_background & valid


def _dilate(masks: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(masks.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def boundary_loss(logits: Tensor, truth: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """Compute the binary cross entropy, averaged over the pixels of the band.

    Args:
        logits: (N, P...).
        truth: the same; share of each pixel that is foreground.
        weight: broadcast to them; number of band pixels that each pixel represents, 0 outside the band.
        count: (N,) band pixels in the whole image, so that the mean over some cells is unbiased.

    Returns:
        (N,), 0 if there is no band.
    """
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight
    return loss.flatten(1).sum(1) / count.clamp(min=1)
