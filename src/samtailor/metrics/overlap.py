"""How much two masks overlap: pixel counts, and scores from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Counts", "count_pixels", "dice", "iou", "soft_iou"]


@dataclass(frozen=True)
class Counts:
    """Pixels of a predicted mask compared with the true mask.

    Attributes:
        tp: pixels in both masks.
        fp: pixels in the predicted mask only.
        fn: pixels in the true mask only.
    """

    tp: int
    fp: int
    fn: int


def count_pixels(predicted: np.ndarray, truth: np.ndarray) -> Counts:
    """Count the pixels of two (H, W) bool masks."""
    tp = int(np.count_nonzero(predicted & truth))
    return Counts(tp, int(np.count_nonzero(predicted)) - tp, int(np.count_nonzero(truth)) - tp)


def iou(counts: Counts) -> float:
    """Compute tp / (tp + fp + fn); 1 for two empty masks."""
    union = counts.tp + counts.fp + counts.fn
    return counts.tp / union if union else 1.0


def dice(counts: Counts) -> float:
    """Compute 2 tp / (2 tp + fp + fn); 1 for two empty masks."""
    total = 2 * counts.tp + counts.fp + counts.fn
    return 2 * counts.tp / total if total else 1.0


def soft_iou(predicted: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """IoU of bool masks (N, ...) whose cells count ``weight`` (broadcast): (N,) in 0..1; two empty masks give 1."""
    import torch  # here, because counting pixels and finding extents must not load it

    both = ((predicted & truth) * weight).flatten(1).sum(1).float()
    either = ((predicted | truth) * weight).flatten(1).sum(1).float()
    return torch.where(either > 0, both / either.clamp(min=torch.finfo(torch.float32).tiny), 1.0)
