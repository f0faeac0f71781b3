"""How well the outlines of two masks agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samtailor.metrics.extent import mask_extent
from samtailor.metrics.overlap import Counts

__all__ = [
    "Boundary",
    "EdgeCounts",
    "boundary_counts",
    "boundary_of",
    "count_edges",
    "edge_distances",
    "edge_f1",
    "hausdorff95",
]

REGION_SHARE = 0.02
"""Width of the regions that boundary IoU compares, as a share of the image diagonal (Cheng et al. 2021)."""


@dataclass(frozen=True)
class Boundary:
    """The outline of a mask.

    Attributes:
        edge: (K, 2) edge pixels as (row, column): foreground pixels with background or the image border above, below,
            left or right of them.
        region: (h, w) bool in the mask's bounding box: foreground pixels at most the region's width from background
            or border.
        corner: (row, column) of the bounding box in the image.
        diagonal: length of the image diagonal, pixels.
    """

    edge: np.ndarray
    region: np.ndarray
    corner: tuple[int, int]
    diagonal: float


def boundary_of(mask: np.ndarray, share: float = REGION_SHARE) -> Boundary:
    """Find the outline of a (H, W) bool mask; the region is ``share`` of the image diagonal wide, 1 pixel or more."""
    from scipy.ndimage import distance_transform_cdt  # here, because predictions import this file but never measure

    diagonal = float(np.hypot(*mask.shape))
    if not mask.any():
        return Boundary(np.empty((0, 2)), np.zeros((0, 0), dtype=bool), (0, 0), diagonal)
    extent = mask_extent(mask)
    top, left = extent.top, extent.left
    padded = np.pad(mask[extent.window], 1)
    inner = padded[1:-1, 1:-1]
    inside = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge = np.argwhere(inner & ~inside) + np.array([top, left])
    # A pixel at chessboard distance d is removed by the d-th erosion with a 3 x 3 square.
    depth = distance_transform_cdt(padded, metric="chessboard")[1:-1, 1:-1]
    region = inner & (depth <= max(1, round(share * diagonal)))
    return Boundary(edge, region, (top, left), diagonal)


def boundary_counts(predicted: Boundary, truth: Boundary) -> Counts:
    """Count the pixels of two boundary regions; their ``iou`` is Boundary IoU (Cheng et al. 2021, arXiv 2103.16562)."""
    spans = []
    for axis in (0, 1):
        a, b = predicted.corner[axis], truth.corner[axis]
        low = max(a, b)
        high = max(low, min(a + predicted.region.shape[axis], b + truth.region.shape[axis]))
        spans.append((slice(low - a, high - a), slice(low - b, high - b)))
    predicted_part, truth_part = predicted.region[spans[0][0], spans[1][0]], truth.region[spans[0][1], spans[1][1]]
    tp = int(np.count_nonzero(predicted_part & truth_part))
    return Counts(tp, int(predicted.region.sum()) - tp, int(truth.region.sum()) - tp)


def edge_distances(predicted: Boundary, truth: Boundary) -> tuple[np.ndarray, np.ndarray]:
    """Measure the distance from each predicted edge pixel to the nearest true edge pixel, and vice versa.

    Returns:
        Two arrays of Euclidean distances in pixels; infinite if the other mask is empty.
    """
    from scipy.spatial import KDTree

    if len(predicted.edge) == 0 or len(truth.edge) == 0:
        return np.full(len(predicted.edge), np.inf), np.full(len(truth.edge), np.inf)
    to_truth, _ = KDTree(truth.edge).query(predicted.edge)
    to_predicted, _ = KDTree(predicted.edge).query(truth.edge)
    return np.asarray(to_truth), np.asarray(to_predicted)


@dataclass(frozen=True)
class EdgeCounts:
    """Edge pixels of two masks.

    Attributes:
        predicted: edge pixels of the predicted mask.
        predicted_near: how many of them are near the true edge.
        truth: edge pixels of the true mask.
        truth_near: how many of them are near the predicted edge.
    """

    predicted: int
    predicted_near: int
    truth: int
    truth_near: int


def count_edges(distances: tuple[np.ndarray, np.ndarray], tolerance: float) -> EdgeCounts:
    """Count edge pixels from ``edge_distances``; near means at most ``tolerance`` pixels away."""
    to_truth, to_predicted = distances
    near = [int((d <= tolerance).sum()) for d in distances]
    return EdgeCounts(len(to_truth), near[0], len(to_predicted), near[1])


def edge_f1(counts: EdgeCounts) -> float:
    """Compute the harmonic mean of the shares of near pixels; 1 for two empty masks, 0 for one empty mask."""
    if counts.predicted == 0 and counts.truth == 0:
        return 1.0
    if counts.predicted_near == 0 or counts.truth_near == 0:
        return 0.0
    precision, recall = counts.predicted_near / counts.predicted, counts.truth_near / counts.truth
    return 2 * precision * recall / (precision + recall)


def hausdorff95(distances: tuple[np.ndarray, np.ndarray], diagonal: float) -> float:
    """Return the larger of the two 95th percentiles of ``edge_distances``, pixels.

    It is 0 for two empty masks. For one empty mask it is ``diagonal``, the longest distance in the image.
    """
    to_truth, to_predicted = distances
    if len(to_truth) == 0 and len(to_predicted) == 0:
        return 0.0
    if len(to_truth) == 0 or len(to_predicted) == 0:
        return diagonal
    return float(max(np.percentile(to_truth, 95), np.percentile(to_predicted, 95)))
