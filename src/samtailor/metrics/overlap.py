"""How far two masks cover each other: counts first, then a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Counts", "count_pixels", "dice", "iou", "soft_iou"]


@dataclass(frozen=True)
class Counts:
    """Pixels of one predicted mask against its truth."""

    tp: int
    fp: int
    fn: int


def count_pixels(predicted: np.ndarray, truth: np.ndarray) -> Counts:
    """Counts over two (H, W) bool masks."""
    tp = int(np.count_nonzero(predicted & truth))
    return Counts(tp, int(np.count_nonzero(predicted)) - tp, int(np.count_nonzero(truth)) - tp)


def iou(counts: Counts) -> float:
    """tp / (tp + fp + fn); two empty masks agree: 1."""
    union = counts.tp + counts.fp + counts.fn
    return counts.tp / union if union else 1.0


def dice(counts: Counts) -> float:
    """2 tp / (2 tp + fp + fn); two empty masks agree: 1."""
    total = 2 * counts.tp + counts.fp + counts.fn
    return 2 * counts.tp / total if total else 1.0


def soft_iou(predicted: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """IoU of bool masks (N, ...) whose cells count ``weight`` (broadcast): (N,) in 0..1; two empty masks give 1."""
    import torch  # here, because counting pixels and finding extents must not load it

    both = ((predicted & truth) * weight).flatten(1).sum(1).float()
    either = ((predicted | truth) * weight).flatten(1).sum(1).float()
    return torch.where(either > 0, both / either.clamp(min=torch.finfo(torch.float32).tiny), 1.0)
