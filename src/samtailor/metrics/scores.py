"""All scores of one mask against the true mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samtailor.metrics.boundary import (
    REGION_SHARE,
    Boundary,
    boundary_counts,
    boundary_of,
    count_edges,
    edge_distances,
    edge_f1,
    hausdorff95,
    outline_of,
)
from samtailor.metrics.overlap import Counts, count_pixels, dice, iou
from samtailor.metrics.patch import Patch, count_patches

__all__ = ["BOUNDARY_SETTINGS", "TOLERANCES", "BoundarySettings", "MaskScores", "score_mask", "score_patch"]

TOLERANCES = (1, 3)  # pixels


@dataclass(frozen=True)
class BoundarySettings:
    """Settings of the boundary scores.

    Attributes:
        iou_share: width of the regions that boundary IoU compares, as a share 0..1 of the image diagonal.
        f1_tolerances: distances at which boundary F1 counts an edge pixel as near, pixels.
    """

    iou_share: float
    f1_tolerances: tuple[int, ...]


BOUNDARY_SETTINGS = BoundarySettings(REGION_SHARE, TOLERANCES)


@dataclass(frozen=True, slots=True)
class MaskScores:
    """Scores of one mask.

    Attributes:
        iou: 0..1.
        dice: 0..1.
        boundary_iou: 0..1, over regions 2 % of the image diagonal wide.
        boundary_f1: 0..1 each, one value per tolerance in ``TOLERANCES``.
        hd95: 95 % Hausdorff distance, pixels.
    """

    iou: float
    dice: float
    boundary_iou: float
    boundary_f1: tuple[float, ...]
    hd95: float


def score_mask(predicted: np.ndarray, truth: np.ndarray, outline: Boundary) -> MaskScores:
    """Score a (H, W) bool mask against the truth.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) bool.
        outline: ``boundary_of(truth)``, computed once for all masks that are compared with this truth.
    """
    return _scores(count_pixels(predicted, truth), boundary_of(predicted), outline)


def score_patch(predicted: Patch, truth: Patch, outline: Boundary) -> MaskScores:
    """Score a mask that is cut to a window: the scores of ``score_mask`` for the whole masks, in less time.

    Args:
        predicted: a mask of an image.
        truth: the true mask of the same image.
        outline: ``outline_of(truth)``, computed once for all masks that are compared with this truth.
    """
    return _scores(count_patches(predicted, truth), outline_of(predicted), outline)


def _scores(counts: Counts, predicted: Boundary, truth: Boundary) -> MaskScores:
    distances = edge_distances(predicted, truth)
    return MaskScores(
        iou=iou(counts),
        dice=dice(counts),
        boundary_iou=iou(boundary_counts(predicted, truth)),
        boundary_f1=tuple(edge_f1(count_edges(distances, t)) for t in TOLERANCES),
        hd95=hausdorff95(distances, truth.diagonal),
    )
