"""How far two closed contours are from each other, whatever point each begins with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["point_matching_loss"]


def point_matching_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """min over the P cyclic shifts of the truth of the mean smooth L1 distance (Girshick 2015), its bend at 1 pixel.

    The mean is over points and both coordinates. The shift is chosen without gradient, which is that of the chosen one
    alone: the true gradient of a minimum, wherever it has one.

    Args:
        predicted: (N, P, 2), (x, y) in low-res pixels.
        truth: (N, P, 2), the same, walked in the same direction.

    Returns:
        (N,), not negative, in low-res pixels where points are further than 1 apart.
    """
    with torch.no_grad():
        best = _means(predicted[:, None], _shifted(truth)).argmin(1)
        chosen = _shifted(truth)[torch.arange(len(truth), device=truth.device), best]
    return _means(predicted, chosen)


def _means(predicted: Tensor, truth: Tensor) -> Tensor:
    """(..., P, 2) each, the first expanded to the second, to (...)."""
    return F.smooth_l1_loss(predicted.expand_as(truth), truth, reduction="none").mean((-2, -1))


def _shifted(contours: Tensor) -> Tensor:
    """(N, P, 2) to (N, P, P, 2): the second axis counts the shifts."""
    places = torch.arange(contours.shape[1], device=contours.device)
    return contours[:, (places[:, None] + places) % len(places)]
