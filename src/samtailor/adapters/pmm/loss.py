"""Distances between two closed contours that do not depend on their first points."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["MATCHES", "chamfer_loss", "normal_loss", "point_matching_loss"]


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


def chamfer_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean smooth L1 distance from each point to the nearest of the other contour, in both directions.

    Unlike cyclic matching, it does not grow if points are displaced along a contour. Shapes as there. Nearest points
    are selected without gradient.
    """
    with torch.no_grad():
        distances = torch.cdist(predicted, truth)
        to_truth, to_predicted = distances.argmin(2), distances.argmin(1)
    forth = _mean_distance(predicted, _rows(truth, to_truth))
    back = _mean_distance(_rows(predicted, to_predicted), truth)
    return (forth + back) / 2


def normal_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean smooth L1 distance from each point to the true outline, along the outline's normal.

    The outline is taken as straight at the nearest true point, so points may slide along it freely. Shapes as in
    ``point_matching_loss``.
    """
    with torch.no_grad():
        nearest = torch.cdist(predicted, truth).argmin(2)
        along = F.normalize(truth.roll(-1, 1) - truth.roll(1, 1), dim=-1)
        normals = torch.stack([along[..., 1], -along[..., 0]], dim=-1)
    distance = ((predicted - _rows(truth, nearest)) * _rows(normals, nearest)).sum(-1)
    return F.smooth_l1_loss(distance, torch.zeros_like(distance), reduction="none").mean(-1)


MATCHES = {"cyclic": point_matching_loss, "chamfer": chamfer_loss, "normal": normal_loss}
"""Name -> distance."""


def _rows(points: Tensor, indices: Tensor) -> Tensor:
    """Select points (N, P, 2) by indices (N, Q): (N, Q, 2)."""
    return points.gather(1, indices[..., None].expand(-1, -1, 2))


def _mean_distance(predicted: Tensor, truth: Tensor) -> Tensor:
    """Reduce (..., P, 2) to (...); ``predicted`` is expanded to the shape of ``truth``."""
    return F.smooth_l1_loss(predicted.expand_as(truth), truth, reduction="none").mean((-2, -1))


def _all_shifts(contours: Tensor) -> Tensor:
    """Return all cyclic shifts of (N, P, 2), as (N, P, P, 2); the second axis counts the shifts."""
    positions = torch.arange(contours.shape[1], device=contours.device)
    return contours[:, (positions[:, None] + positions) % len(positions)]
