"""Distance between two closed contours that does not depend on their first points."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["point_matching_loss"]


def point_matching_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Compute the smallest mean smooth L1 distance (Girshick 2015) over the P cyclic shifts of the truth.

    Smooth L1 changes from quadratic to linear at 1 pixel. The mean is over points and both coordinates. The best shift
    is selected without gradient; the loss has the gradient of that shift, which is the gradient of the minimum wherever
    the minimum is differentiable.

    Args:
        predicted: (N, P, 2), (x, y) in low-res pixels.
        truth: (N, P, 2), the same, in the same direction of rotation.

    Returns:
        (N,), not negative; in low-res pixels if points are more than 1 pixel apart.
    """
    with torch.no_grad():
        shift = _mean_distance(predicted[:, None], _all_shifts(truth)).argmin(1)
        matched = _all_shifts(truth)[torch.arange(len(truth), device=truth.device), shift]
    return _mean_distance(predicted, matched)


def _mean_distance(predicted: Tensor, truth: Tensor) -> Tensor:
    """Reduce (..., P, 2) to (...); ``predicted`` is expanded to the shape of ``truth``."""
    return F.smooth_l1_loss(predicted.expand_as(truth), truth, reduction="none").mean((-2, -1))


def _all_shifts(contours: Tensor) -> Tensor:
    """Return all cyclic shifts of (N, P, 2), as (N, P, P, 2); the second axis counts the shifts."""
    positions = torch.arange(contours.shape[1], device=contours.device)
    return contours[:, (positions[:, None] + positions) % len(positions)]
