"""Every score of one mask against its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
)
from samtailor.metrics.overlap import count_pixels, dice, iou

__all__ = ["BOUNDARY_SETTINGS", "TOLERANCES", "MaskScores", "score_mask"]

TOLERANCES = (1, 3)  # pixels
BOUNDARY_SETTINGS: dict[str, Any] = {"iou_share": REGION_SHARE, "f1_tolerances": list(TOLERANCES)}


@dataclass(frozen=True, slots=True)
class MaskScores:
    """Scores of one mask.

    Attributes:
        iou: 0..1.
        dice: 0..1.
        boundary_iou: 0..1, over regions 2 % of the image's diagonal wide.
        boundary_f1: 0..1 each, at ``TOLERANCES`` pixels.
        hd95: 95 % Hausdorff distance, pixels.
    """

    iou: float
    dice: float
    boundary_iou: float
    boundary_f1: tuple[float, ...]
    hd95: float


def score_mask(predicted: np.ndarray, truth: np.ndarray, outline: Boundary) -> MaskScores:
    """Score a (H, W) bool mask; ``outline`` is the truth's, made once by ``boundary_of``."""
    counts = count_pixels(predicted, truth)
    drawn = boundary_of(predicted)
    distances = edge_distances(drawn, outline)
    return MaskScores(
        iou=iou(counts),
        dice=dice(counts),
        boundary_iou=iou(boundary_counts(drawn, outline)),
        boundary_f1=tuple(edge_f1(count_edges(distances, t)) for t in TOLERANCES),
        hd95=hausdorff95(distances, outline.diagonal),
    )
