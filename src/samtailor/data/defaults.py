"""Numbers that several parts of samtailor share."""

from __future__ import annotations

__all__ = ["GRID_CELLS", "MIN_AREA", "SHARES"]

MIN_AREA = 16
"""Instances with fewer pixels than this are scored but, by default, not trained on."""

GRID_CELLS = 64
"""Embedding cells along the longer side of an image, for a base with a 1024-pixel input and 16-pixel patches."""

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
"""Share of the images in each split, if samtailor splits a task."""
