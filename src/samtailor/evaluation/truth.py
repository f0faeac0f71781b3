"""The true mask of an instance, cut to its box."""

from __future__ import annotations

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.task import Instance
from samtailor.metrics import Patch

__all__ = ["truth_of"]


def truth_of(instance: Instance) -> Patch:
    """Return the true mask, cut to its box, so that scoring need not look at the whole image."""
    left, top, width, height = (int(v) for v in coco_mask.toBbox(instance.rle))
    whole = coco_mask.decode(instance.rle)
    pixels = whole[top : top + height, left : left + width].astype(bool)
    return Patch(np.ascontiguousarray(pixels), (top, left), (whole.shape[0], whole.shape[1]))
