"""The PLM with a plain loss on the boundary: what any method that looks at boundaries must beat."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.lesson import Lesson
from samtailor.adapters.plm import PLM
from samtailor.bases.blocks import blocks_of
from samtailor.losses import hard_truth

__all__ = ["BoundaryPLM", "boundary_band", "boundary_loss"]

REACH = 2  # low-res pixels to either side


class BoundaryPLM(PLM):
    """The PLM, parameter for parameter, trained with ``boundary_loss`` in addition. Identity before training.

    Args:
        share: weight of the boundary's term.
        sizes: the PLM's.
    """

    method: ClassVar[str] = "plm+boundary"
    trains: ClassVar[str] = "as plm; the loss counts the mask's boundary once more"

    def __init__(self, *, share: float = 1.0, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.share = share

    @property
    def config(self) -> dict[str, Any]:
        return {**super().config, "share": self.share}

    def extra_terms(self, lesson: Lesson) -> dict[str, Tensor]:
        band = boundary_band(lesson.truth, lesson.valid)
        count, cells = band.flatten(1).sum(1), lesson.target.cells
        if cells is not None:
            band = blocks_of(band[None, :, None], cells[None])[0, :, 0]
        logits = lesson.decoded.logits[0, :, 0].float()
        return {"boundary": self.share * boundary_loss(logits, lesson.target.truth, lesson.target.weight * band, count)}


def boundary_band(truth: Tensor, valid: Tensor, reach: int = REACH) -> Tensor:
    """Pixels within ``reach`` of the truth's boundary, on either side; a picture's border and padding make none.

    Args:
        truth: (N, l, l) share of each low-res pixel that is foreground.
        valid: (l, l) bool.
        reach: pixels, counted as the larger of the two steps along x and y.

    Returns:
        (N, l, l) bool.
    """
    hard = hard_truth(truth)
    near_on, near_off = (_dilated(side & valid, reach) for side in (hard, ~hard))
    return near_on & near_off & valid


def _dilated(masks: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(masks.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def boundary_loss(logits: Tensor, truth: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """Binary cross entropy, averaged over the band's pixels.

    Args:
        logits: (N, P...).
        truth: the same; share of each pixel that is foreground.
        weight: broadcast to them: how many pixels of the band each stands for, 0 outside it.
        count: (N,) pixels of the band in the whole picture, so that the mean over some cells is unbiased.

    Returns:
        (N,), 0 where there is no band.
    """
    loss = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight
    return loss.flatten(1).sum(1) / count.clamp(min=1)
