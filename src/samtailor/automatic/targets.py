"""What the proposal head should answer for an image, from its true masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from samtailor.data.task import Instance
from samtailor.frames import Frame

__all__ = ["DenseTargets", "dense_targets"]

_UINT8 = 255


@dataclass(frozen=True)
class DenseTargets:
    """Targets of one image, low-res frame. Stored as uint8, because hundreds of images are kept in memory.

    Attributes:
        foreground: (C, l, l) uint8, 255 times the share of a pixel that instances of the class cover.
        depth: (C, l, l) uint8, 255 times the depth of a pixel inside its instance: 0 on its outline, 1 at its deepest
            pixel. Touching instances have a valley between them.
        valid: (l, l) bool, the pixels that show the image, not padding.
        ignored: (C, l, l) bool, pixels of crowd regions of the class, which count neither as foreground nor background.
    """

    foreground: Tensor
    depth: Tensor
    valid: Tensor
    ignored: Tensor


def dense_targets(instances: Sequence[Instance], classes: Sequence[str], frame: Frame) -> DenseTargets:
    """Compute the targets of an image; an image without instances of a class is background for it.

    Where instances of a class overlap, a pixel belongs to the one that is smaller, so that a part on a whole stays
    visible.

    Args:
        instances: all of the image, crowd regions included; those of other classes are left out.
        classes: C names.
        frame: of the image.
    """
    side = frame.low_res_size
    foreground = np.zeros((len(classes), side, side), dtype=np.float32)
    depth, ignored = np.zeros_like(foreground), np.zeros(foreground.shape, dtype=bool)
    places = {name: k for k, name in enumerate(classes)}
    for instance in sorted(instances, key=lambda i: -i.area):
        if instance.label not in places:
            continue
        k = places[instance.label]
        share = frame.masks_to_low_res(torch.from_numpy(instance.mask())[None])[0].numpy()
        if instance.crowd:
            ignored[k] |= share > 0
            continue
        own = share > 0.5 * share.max()
        if not own.any():
            continue
        foreground[k] = np.maximum(foreground[k], share)
        depth[k][own] = _depth(own)[own]
    return DenseTargets(
        torch.from_numpy((foreground * _UINT8).round().astype(np.uint8)),
        torch.from_numpy((depth * _UINT8).round().astype(np.uint8)),
        frame.valid_low_res(),
        torch.from_numpy(ignored),
    )


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return the distance to the outside of a mask, divided by its largest: (l, l) in 0..1."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    distances = distance_transform_edt(np.pad(mask[window], 1))[1:-1, 1:-1]
    depth = np.zeros(mask.shape, dtype=np.float32)
    depth[window] = distances / distances.max()
    return depth
