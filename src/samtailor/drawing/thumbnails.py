"""Small pictures of images and masks, without large arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from samtailor.data.pixels.images import read_image
from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.data.pixels.rle import run_lengths
from samtailor.data.task import Instance

__all__ = ["small_masks", "small_picture"]

_THIN = 0.7  # of its area: a mask that is so much smaller as a thumbnail covers every pixel that it touches


def small_picture(path: Path, side: int) -> np.ndarray:
    """Read a picture at the size of a thumbnail.

    A JPEG file is decoded at a fraction of its size. A smaller picture is enlarged by a whole factor.

    Args:
        path: the file.
        side: longest side of the result, in pixels.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        ImageError: the file cannot be read.
    """
    picture = _draft(path, side) or Image.fromarray(read_image(path))
    width, height = picture.size
    scale = side / max(width, height)
    scale = max(1, int(scale)) if scale >= 1 else scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    filter = Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
    return np.array(picture.resize(size, filter))


def _draft(path: Path, side: int) -> Image.Image | None:
    """Return a JPEG file decoded at a fraction of its size; None for other files."""
    with open_picture(path) as picture:
        if picture.format not in ("JPEG", "MPO") or max(picture.size) < 2 * side:
            return None
        picture.draft("RGB", (2 * side, 2 * side))
        picture.load()
        return upright(picture).convert("RGB")


def small_masks(instances: list[Instance], height: int, width: int) -> np.ndarray:
    """Draw masks at the size of a thumbnail, straight from their RLE.

    Args:
        instances: of one image; empty masks are not drawn.
        height: of the thumbnail.
        width: of the thumbnail.

    Returns:
        (height, width) int32: 0 for no mask, else 1 + index of the smallest mask at that pixel.
    """
    owner = np.zeros((height, width), dtype=np.int32)
    for index in sorted(range(len(instances)), key=lambda k: -instances[k].area):
        if instances[index].area > 0:
            rows, columns, mask = _small_mask(instances[index], height, width)
            owner[rows, columns][mask] = index + 1
    return owner


def _small_mask(instance: Instance, height: int, width: int) -> tuple[slice, slice, np.ndarray]:
    """Return the rows and columns around a mask, and the mask there; a thin or tiny one stays visible."""
    full_height, full_width = instance.rle["size"]
    left, top, across, down = coco_mask.toBbox(instance.rle)
    rows = _span(top, top + down, height / full_height, height)
    columns = _span(left, left + across, width / full_width, width)
    ends = np.cumsum(run_lengths(instance.rle))
    y = _centres(rows, full_height / height, full_height)
    x = _centres(columns, full_width / width, full_width)
    mask = np.searchsorted(ends, x[None, :] * full_height + y[:, None], side="right") % 2 == 1
    if mask.sum() < _THIN * instance.area * height / full_height * width / full_width:
        mask = _touched(ends, full_height, height, width / full_width, width)[rows, columns]
    return rows, columns, mask


def _touched(ends: np.ndarray, full_height: int, height: int, across: float, width: int) -> np.ndarray:
    """Return all pixels of the thumbnail that a mask touches, (height, width) bool.

    Args:
        ends: one behind the last pixel of each run, down the columns; the runs at odd places are the mask.
        full_height: of the image.
        height: of the thumbnail.
        across: width of the thumbnail / width of the image.
        width: of the thumbnail.
    """
    first, behind = ends[:-1:2], ends[1::2]
    columns = (behind - 1) // full_height - first // full_height + 1  # a run may go on in the next columns
    starts = np.repeat(first // full_height, columns)
    x = starts + np.arange(len(starts)) - np.repeat(np.cumsum(columns) - columns, columns)
    top = np.maximum(np.repeat(first, columns) - x * full_height, 0)
    bottom = np.minimum(np.repeat(behind, columns) - x * full_height, full_height)
    steps, scale = np.zeros((height + 1, width), dtype=np.int32), height / full_height
    place = np.minimum((x * across).astype(np.int64), width - 1)
    np.add.at(steps, (np.minimum((top * scale).astype(np.int64), height - 1), place), 1)
    np.add.at(steps, (np.minimum(np.ceil(bottom * scale).astype(np.int64), height), place), -1)
    return np.asarray(np.cumsum(steps, axis=0)[:-1] > 0)


def _span(low: float, high: float, scale: float, size: int) -> slice:
    start = min(int(low * scale), size - 1)
    return slice(start, max(start + 1, min(int(np.ceil(high * scale)), size)))


def _centres(span: slice, step: float, size: int) -> np.ndarray:
    """Pixels of the image in the middle of the pixels of the span."""
    return np.minimum(((np.arange(span.start, span.stop) + 0.5) * step).astype(np.int64), size - 1)
