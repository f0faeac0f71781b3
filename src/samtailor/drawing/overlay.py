"""Pictures of masks and prompts: one overlay, base beside adapted, a sheet of rows. Arrays in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from samtailor.drawing.paint import COLOURS, WHITE, draw_boxes, draw_points, instance_map, outline, tint
from samtailor.errors import ImageError
from samtailor.machine.files import write_atomically
from samtailor.prompts import Prompts

__all__ = ["SMALL", "comparison", "contact_sheet", "draw_overlay", "save_png", "upscaling"]

SMALL = 384
"""Images whose longer side is shorter than this, in pixels, are enlarged by a whole factor."""

_PAPER, _INK = (255, 255, 255), (38, 42, 48)


def upscaling(height: int, width: int) -> int:
    """Whole factor by which ``draw_overlay`` enlarges an image of ``height`` x ``width`` pixels; 1 from 384 px on."""
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

    Each instance gets a tint and an outline of its own colour with a dark rim; where instances overlap, the smaller
    one lies on top. Foreground points are green with a plus, background points red with a minus, boxes yellow.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: (N, H, W) bool, or (H, W) for one; N may be 0.
        points: (P, 2) float, (x, y), image frame; or None.
        labels: (P,) int, 1 foreground, 0 background, others are not drawn; None means all foreground.
        boxes: (K, 4) float, (x0, y0, x1, y1), image frame; or None.
        truth: (H, W) or (N, H, W) bool, drawn as a white outline with a dark rim; or None.

    Returns:
        (kH, kW, 3) uint8 RGB; k is 1 for images of 384 px or more on the longer side, see ``upscaling``.

    Raises:
        ImageError: an image or a mask of another shape or type.
    """
    _check_image(image)
    factor = upscaling(*image.shape[:2])
    canvas = _enlarge(image, factor)
    unit = max(1, round(max(canvas.shape[:2]) / 400))

    found = _enlarge_masks(_check_masks(masks, image), factor)
    if len(found):
        owner = instance_map(found)
        tint(canvas, owner)
        outline(canvas, owner, COLOURS, unit)
    if truth is not None:
        owner = instance_map(_enlarge_masks(_check_masks(truth, image), factor))
        outline(canvas, owner, WHITE, (unit + 1) // 2)

    if boxes is not None:
        draw_boxes(canvas, np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * factor, unit)
    if points is not None:
        spots = np.asarray(points, dtype=np.float64).reshape(-1, 2) * factor
        tags = np.ones(len(spots), dtype=np.int64) if labels is None else np.asarray(labels).reshape(-1)
        canvas = draw_points(canvas, spots, tags)
    return canvas


def comparison(
    image: np.ndarray,
    truth: np.ndarray,
    base: np.ndarray,
    adapted: np.ndarray,
    prompt: Prompts | None,
    captions: Sequence[str],
    *,
    panel: int = 768,
) -> np.ndarray:
    """A row of three captioned panels: picture with prompt and truth, the base's masks, the adapted model's masks.

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: (H, W) or (N, H, W) bool; its outline is in all three panels.
        base: (H, W) or (N, H, W) bool.
        adapted: (H, W) or (N, H, W) bool.
        prompt: image frame, drawn in the first panel; or None.
        captions: three texts, such as ``("one click", "base 0.31", "adapted 0.87")``; long ones are cut.
        panel: longest side of a panel, pixels; larger images are shrunk to it.

    Returns:
        (rows, columns, 3) uint8 RGB on white.

    Raises:
        ImageError: an image or a mask of another shape or type, or not three captions.
    """
    _check_image(image)
    if len(captions) != 3:
        raise ImageError(f"{len(captions)} captions came, three were expected.", "Give one caption per panel.")
    height, width = image.shape[:2]
    layers = [_check_masks(m, image) for m in (truth, base, adapted)]
    scale = min(1.0, panel / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
        layers = [_shrink_masks(m, size) for m in layers]
    nothing = np.zeros((0, *image.shape[:2]), dtype=bool)
    points = labels = boxes = None
    if prompt is not None:
        points = None if prompt.points is None else np.reshape(prompt.points, (-1, 2)) * scale
        labels = None if prompt.labels is None else np.reshape(prompt.labels, -1)
        boxes = None if prompt.boxes is None else np.reshape(prompt.boxes, (-1, 4)) * scale
    panels = [
        draw_overlay(image, nothing, points=points, labels=labels, boxes=boxes, truth=layers[0]),
        draw_overlay(image, layers[1], truth=layers[0]),
        draw_overlay(image, layers[2], truth=layers[0]),
    ]
    gap = max(8, round(max(panels[0].shape[:2]) / 48))
    captioned = [_captioned(p, text) for p, text in zip(panels, captions, strict=True)]
    return contact_sheet(captioned, columns=3, gap=gap)


def contact_sheet(rows: Sequence[np.ndarray], columns: int = 1, *, gap: int = 16) -> np.ndarray:
    """Lay pictures out in a grid on white, row by row; each keeps its size and is centred in its cell.

    Args:
        rows: pictures, each (H, W, 3) uint8 RGB, of any sizes.
        columns: how many stand side by side.
        gap: white space around and between pictures, pixels.

    Returns:
        (rows, columns, 3) uint8 RGB.

    Raises:
        ImageError: no picture came, one has another shape or type, or ``columns`` is below 1.
    """
    if not rows or columns < 1:
        raise ImageError(
            f"{len(rows)} pictures in {columns} columns came.",
            "A contact sheet needs one picture and one column at least.",
        )
    for picture in rows:
        _check_image(picture)
    lines = [rows[i : i + columns] for i in range(0, len(rows), columns)]
    heights = [max(p.shape[0] for p in line) for line in lines]
    widths = [max(p.shape[1] for p in rows[c::columns]) for c in range(min(columns, len(rows)))]
    sheet = np.full(
        (sum(heights) + gap * (len(heights) + 1), sum(widths) + gap * (len(widths) + 1), 3), _PAPER, np.uint8
    )
    top = gap
    for line, height in zip(lines, heights, strict=True):
        left = gap
        for picture, width in zip(line, widths, strict=False):
            h, w = picture.shape[:2]
            y, x = top + (height - h) // 2, left + (width - w) // 2
            sheet[y : y + h, x : x + w] = picture
            left += width + gap
        top += height + gap
    return sheet


def save_png(path: Path, array: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB; folders are made, and the file appears whole or not at all.

    Raises:
        ImageError: the picture has another shape or type.
        SamtailorError: the place cannot be written.
    """
    _check_image(array)
    content = BytesIO()
    Image.fromarray(array).save(content, format="PNG")
    write_atomically(Path(path), content.getvalue())


# Checking and resizing


def _check_image(image: np.ndarray) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ImageError(
            f"A picture of shape {image.shape} and type {image.dtype} came.", "Expected (H, W, 3) uint8 RGB, not empty."
        )


def _check_masks(masks: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Masks as (N, H, W) bool."""
    masks = np.asarray(masks)
    stack = masks[None] if masks.ndim == 2 else masks
    if stack.ndim != 3 or stack.shape[1:] != image.shape[:2]:
        raise ImageError(
            f"Masks of shape {masks.shape} came with a picture of {image.shape[0]} x {image.shape[1]} pixels.",
            "Expected (N, H, W) or (H, W) in the pixels of the picture.",
        )
    return stack if stack.dtype == bool else stack > 0


def _enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image.copy()
    height, width = image.shape[:2]
    return np.array(Image.fromarray(image).resize((width * factor, height * factor), Image.Resampling.BILINEAR))


def _enlarge_masks(masks: np.ndarray, factor: int) -> np.ndarray:
    return masks if factor == 1 else masks.repeat(factor, axis=1).repeat(factor, axis=2)


def _shrink_masks(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    rows = ((np.arange(height) + 0.5) * masks.shape[1] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * masks.shape[2] / width).astype(np.intp)
    return masks[:, rows[:, None], columns[None, :]]


# Captions


def _captioned(panel: np.ndarray, text: str) -> np.ndarray:
    """The panel on white with a line of text above; at least 160 pixels wide."""
    height, width = panel.shape[:2]
    size = min(28, max(15, round(max(height, width) / 30)))
    font = ImageFont.load_default(size)
    band, across = round(size * 1.6), max(width, 160)
    while text and font.getlength(text) > across:
        text = text.removesuffix("…")[:-1].rstrip()
        text = f"{text}…" if text else ""
    picture = Image.new("RGB", (across, band + height), _PAPER)
    left = (across - width) // 2
    ImageDraw.Draw(picture).text((0, band * 0.42), text, fill=_INK, font=font, anchor="lm")
    picture.paste(Image.fromarray(panel), (left, band))
    return np.array(picture)
