"""Scores of masks. Pure functions: count pixels, compute a score from the counts, then reduce scores to one number."""

from samtailor.metrics.boundary import (
    Boundary,
    EdgeCounts,
    boundary_counts,
    boundary_of,
    count_edges,
    edge_distances,
    edge_f1,
    hausdorff95,
    outline_of,
)
from samtailor.metrics.overlap import Counts, count_pixels, dice, iou, soft_iou
from samtailor.metrics.patch import Patch, count_patches
from samtailor.metrics.reduce import mean_over_classes, mean_over_instances, per_class_means

__all__ = [
    "Boundary",
    "Counts",
    "EdgeCounts",
    "Patch",
    "boundary_counts",
    "boundary_of",
    "count_edges",
    "count_patches",
    "count_pixels",
    "dice",
    "edge_distances",
    "edge_f1",
    "hausdorff95",
    "iou",
    "mean_over_classes",
    "mean_over_instances",
    "outline_of",
    "per_class_means",
    "soft_iou",
]
