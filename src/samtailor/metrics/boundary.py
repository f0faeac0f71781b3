"""How well the outlines of two masks agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samtailor.metrics.overlap import Counts
from samtailor.metrics.patch import Patch, spans_of_overlap

__all__ = [
    "Boundary",
    "EdgeCounts",
    "boundary_counts",
    "boundary_of",
    "count_edges",
    "edge_distances",
    "edge_f1",
    "hausdorff95",
    "outline_of",
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
    return outline_of(Patch.of(mask), share)


def outline_of(patch: Patch, share: float = REGION_SHARE) -> Boundary:
    """Find the outline of a mask that is cut to a window, as ``boundary_of`` does for a whole mask."""
    from scipy.ndimage import distance_transform_cdt  # here, because predictions import this file but never measure

    diagonal = float(np.hypot(*patch.size))
    box = Patch.of(patch.pixels)
    if not box.pixels.size:
        return Boundary(np.empty((0, 2)), np.zeros((0, 0), dtype=bool), (0, 0), diagonal)
    top, left = (patch.corner[axis] + box.corner[axis] for axis in (0, 1))
    padded = np.pad(box.pixels, 1)
    inner = padded[1:-1, 1:-1]
    inside = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge = np.argwhere(inner & ~inside) + np.array([top, left])
    # A pixel at chessboard distance d is removed by the d-th erosion with a 3 x 3 square.
    depth = distance_transform_cdt(padded, metric="chessboard")[1:-1, 1:-1]
    region = inner & (depth <= max(1, round(share * diagonal)))
    return Boundary(edge, region, (top, left), diagonal)


def boundary_counts(predicted: Boundary, truth: Boundary) -> Counts:
    """Count the pixels of two boundary regions; their ``iou`` is Boundary IoU (Cheng et al. 2021, arXiv 2103.16562)."""
    corners, shapes = (predicted.corner, truth.corner), (predicted.region.shape, truth.region.shape)
    ours, theirs = spans_of_overlap(corners, shapes)
    predicted_part, truth_part = predicted.region[ours], truth.region[theirs]
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
