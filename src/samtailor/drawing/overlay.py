"""Paint masks and prompts over a picture."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.drawing.paint import COLOURS, WHITE, draw_boxes, draw_points, instance_map, outline, tint
from samtailor.errors import ImageError
from samtailor.machine.files import write_atomically

__all__ = [
    "SCREEN",
    "SMALL",
    "check_masks",
    "check_picture",
    "draw_overlay",
    "save_png",
    "shrink_mask",
    "shrink_picture",
    "shrunk_size",
    "upscaling",
]

SMALL = 384
"""Images whose longer side is shorter than this, in pixels, are enlarged by a whole factor."""

SCREEN = 1600
"""Longer side of pictures for the screen, pixels."""


def shrunk_size(height: int, width: int, longest: int = SCREEN) -> tuple[int, int]:
    """Return (height, width) after shrinking the longer side to ``longest``; smaller pictures keep their size."""
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink_picture(image: np.ndarray, longest: int = SCREEN) -> np.ndarray:
    """Shrink a picture (H, W, 3) uint8 to ``shrunk_size``."""
    check_picture(image)
    height, width = shrunk_size(image.shape[0], image.shape[1], longest)
    if (height, width) == image.shape[:2]:
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def shrink_mask(mask: np.ndarray, longest: int = SCREEN) -> np.ndarray:
    """Shrink a mask (H, W) bool to ``shrunk_size``: pixels that are at least half covered.

    An object that is too thin for that keeps each pixel that it touches, so it stays visible.
    """
    height, width = shrunk_size(mask.shape[0], mask.shape[1], longest)
    if (height, width) == mask.shape:
        return mask
    picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    small: np.ndarray = np.asarray(picture.resize((width, height), Image.Resampling.BOX)) >= 128
    if not small.any():
        rows, columns = np.nonzero(mask)
        small[rows * height // mask.shape[0], columns * width // mask.shape[1]] = True
    return small


def upscaling(height: int, width: int) -> int:
    """Return the whole factor by which ``draw_overlay`` enlarges an image; 1 if its longer side has 384 px or more."""
    return max(1, math.ceil(SMALL / max(height, width, 1)))


def draw_overlay(
    image: np.ndarray,
    masks: np.ndarray,
    *,
    points: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> np.ndarray:
    """Paint masks, outlines and prompts over a picture.

    Each instance gets a tint and an outline in its own colour with a dark rim. If instances overlap, the smaller one
    is on top. Foreground points are green with a plus, background points red with a minus, boxes yellow.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: (N, H, W) bool, or (H, W) for one; N may be 0.
        points: (P, 2) float, (x, y), image frame; or None.
        labels: (P,) int, 1 foreground, 0 background; other points are not drawn. None means all foreground.
        boxes: (K, 4) float, (x0, y0, x1, y1), image frame; or None.
        truth: (H, W) or (N, H, W) bool, drawn as a white outline with a dark rim; or None.

    Returns:
        (kH, kW, 3) uint8 RGB; k is 1 for images of 384 px or more on the longer side, see ``upscaling``.

    Raises:
        ImageError: the image or a mask has another shape or type.
    """
    check_picture(image)
    factor = upscaling(*image.shape[:2])
    canvas = _enlarge(image, factor)
    unit = max(1, round(max(canvas.shape[:2]) / 400))

    large_masks = _enlarge_masks(check_masks(masks, image), factor)
    if len(large_masks):
        owner = instance_map(large_masks)
        tint(canvas, owner)
        outline(canvas, owner, COLOURS, unit)
    if truth is not None:
        owner = instance_map(_enlarge_masks(check_masks(truth, image), factor))
        outline(canvas, owner, WHITE, (unit + 1) // 2)

    if boxes is not None:
        draw_boxes(canvas, np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * factor, unit)
    if points is not None:
        canvas_points = np.asarray(points, dtype=np.float64).reshape(-1, 2) * factor
        all_foreground = np.ones(len(canvas_points), dtype=np.int64)
        point_labels = all_foreground if labels is None else np.asarray(labels).reshape(-1)
        canvas = draw_points(canvas, canvas_points, point_labels)
    return canvas


def save_png(path: Path, array: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB atomically; missing folders are created.

    Raises:
        ImageError: the picture has another shape or type.
        SamtailorError: the file cannot be written.
    """
    check_picture(array)
    content = BytesIO()
    Image.fromarray(array).save(content, format="PNG")
    write_atomically(Path(path), content.getvalue())


# Checking and resizing


def check_picture(image: np.ndarray) -> None:
    """Raise ImageError if ``image`` is not (H, W, 3) uint8 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ImageError(
            f"The picture has shape {image.shape} and type {image.dtype}; expected (H, W, 3) uint8 RGB, not empty.",
            "Convert it to 8-bit RGB.",
        )


def check_masks(masks: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return masks (N, H, W) or (H, W) as (N, H, W) bool.

    Raises:
        ImageError: they do not have the size of the image (H, W, 3).
    """
    masks = np.asarray(masks)
    stack = masks[None] if masks.ndim == 2 else masks
    if stack.ndim != 3 or stack.shape[1:] != image.shape[:2]:
        raise ImageError(
            f"The masks have shape {masks.shape} and the picture has {image.shape[0]} x {image.shape[1]} pixels; "
            "expected masks (N, H, W) or (H, W) of the picture's height and width.",
            "Use masks of this picture, or resize them.",
        )
    return stack if stack.dtype == bool else stack > 0


def _enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image.copy()
    height, width = image.shape[:2]
    return np.array(Image.fromarray(image).resize((width * factor, height * factor), Image.Resampling.BILINEAR))


def _enlarge_masks(masks: np.ndarray, factor: int) -> np.ndarray:
    return masks if factor == 1 else masks.repeat(factor, axis=1).repeat(factor, axis=2)
