"""How well two masks' outlines agree."""

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

REGION_SHARE = 0.02  # of the image's diagonal: the width of the region that boundary IoU compares (Cheng et al. 2021)


@dataclass(frozen=True)
class Boundary:
    """The outline of a mask.

    Attributes:
        edge: (K, 2) its edge pixels as (row, column): foreground with background, or the image's border, above, below,
            left or right of it.
        region: foreground no farther than the region's width from background or border, as (h, w) bool in the mask's
            own bounding box.
        corner: (row, column) of that box in the image.
        diagonal: of the image, pixels.
    """

    edge: np.ndarray
    region: np.ndarray
    corner: tuple[int, int]
    diagonal: float


def boundary_of(mask: np.ndarray, share: float = REGION_SHARE) -> Boundary:
    """Outline of a (H, W) bool mask; the region is ``share`` of the image's diagonal wide, at least one pixel."""
    from scipy.ndimage import distance_transform_cdt  # here, since a prediction loads this file but measures nothing

    diagonal = float(np.hypot(*mask.shape))
    if not mask.any():
        return Boundary(np.empty((0, 2)), np.zeros((0, 0), dtype=bool), (0, 0), diagonal)
    extent = mask_extent(mask)
    top, left = extent.top, extent.left
    padded = np.pad(mask[extent.window], 1)
    inner = padded[1:-1, 1:-1]
    inside = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge = np.argwhere(inner & ~inside) + np.array([top, left])
    # Chessboard distance: as many erosions with a 3 x 3 square.
    depth = distance_transform_cdt(padded, metric="chessboard")[1:-1, 1:-1]
    region = inner & (depth <= max(1, round(share * diagonal)))
    return Boundary(edge, region, (top, left), diagonal)


def boundary_counts(predicted: Boundary, truth: Boundary) -> Counts:
    """Pixels of the two boundary regions; their ``iou`` is Boundary IoU (Cheng et al. 2021, arXiv 2103.16562)."""
    spans = []
    for axis in (0, 1):
        a, b = predicted.corner[axis], truth.corner[axis]
        low = max(a, b)
        high = max(low, min(a + predicted.region.shape[axis], b + truth.region.shape[axis]))
        spans.append((slice(low - a, high - a), slice(low - b, high - b)))
    one, other = (predicted.region[spans[0][0], spans[1][0]], truth.region[spans[0][1], spans[1][1]])
    tp = int(np.count_nonzero(one & other))
    return Counts(tp, int(predicted.region.sum()) - tp, int(truth.region.sum()) - tp)


def edge_distances(predicted: Boundary, truth: Boundary) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean pixels from each predicted edge pixel to the nearest of the truth, and the other way round.

    Infinite where the other mask is empty.
    """
    from scipy.spatial import KDTree

    if len(predicted.edge) == 0 or len(truth.edge) == 0:
        return np.full(len(predicted.edge), np.inf), np.full(len(truth.edge), np.inf)
    forth, _ = KDTree(truth.edge).query(predicted.edge)
    back, _ = KDTree(predicted.edge).query(truth.edge)
    return np.asarray(forth), np.asarray(back)


@dataclass(frozen=True)
class EdgeCounts:
    """Edge pixels of two masks, and how many of each lie near the other's edge."""

    predicted: int
    predicted_near: int
    truth: int
    truth_near: int


def count_edges(distances: tuple[np.ndarray, np.ndarray], tolerance: float) -> EdgeCounts:
    """Counts from ``edge_distances``; near means at most ``tolerance`` pixels away."""
    forth, back = distances
    return EdgeCounts(len(forth), int((forth <= tolerance).sum()), len(back), int((back <= tolerance).sum()))


def edge_f1(counts: EdgeCounts) -> float:
    """Harmonic mean of the two near shares; two empty masks agree: 1; one empty mask: 0."""
    if counts.predicted == 0 and counts.truth == 0:
        return 1.0
    if counts.predicted_near == 0 or counts.truth_near == 0:
        return 0.0
    precision, recall = counts.predicted_near / counts.predicted, counts.truth_near / counts.truth
    return 2 * precision * recall / (precision + recall)


def hausdorff95(distances: tuple[np.ndarray, np.ndarray], diagonal: float) -> float:
    """The larger of the two 95th percentiles of ``edge_distances``, pixels.

    Two empty masks: 0. One empty mask: ``diagonal`` of the image, the farthest that two pixels can be apart.
    """
    forth, back = distances
    if len(forth) == 0 and len(back) == 0:
        return 0.0
    if len(forth) == 0 or len(back) == 0:
        return diagonal
    return float(max(np.percentile(forth, 95), np.percentile(back, 95)))
