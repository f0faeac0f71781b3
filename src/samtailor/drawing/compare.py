"""Pictures that compare: base beside adapted model, and sheets of several pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from samtailor.drawing.overlay import check_masks, check_picture, draw_overlay
from samtailor.errors import ImageError
from samtailor.prompts import Prompts

__all__ = ["captioned", "comparison", "contact_sheet"]

_PAPER, _INK = (255, 255, 255), (38, 42, 48)


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
    """Draw three captioned panels in a row: the picture with prompt and truth, the base's masks, the adapted masks.

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: (H, W) or (N, H, W) bool; all three panels show its outline.
        base: (H, W) or (N, H, W) bool.
        adapted: (H, W) or (N, H, W) bool.
        prompt: image frame, drawn in the first panel; None draws nothing.
        captions: three texts, such as ``("one click", "base 0.31", "adapted 0.87")``; long texts are cut.
        panel: longest side of a panel, pixels; larger images are shrunk to it.

    Returns:
        (rows, columns, 3) uint8 RGB on white.

    Raises:
        ImageError: the image or a mask has another shape or type, or there are not three captions.
    """
    check_picture(image)
    if len(captions) != 3:
        raise ImageError(f"There are {len(captions)} captions; expected three.", "Give one caption per panel.")
    height, width = image.shape[:2]
    layers = [check_masks(m, image) for m in (truth, base, adapted)]
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
    pictures = [captioned(p, text) for p, text in zip(panels, captions, strict=True)]
    return contact_sheet(pictures, columns=3, gap=gap)


def contact_sheet(pictures: Sequence[np.ndarray], columns: int = 1, *, gap: int = 16) -> np.ndarray:
    """Arrange pictures in a grid on white, row by row; each keeps its size and is centred in its place.

    Args:
        pictures: each (H, W, 3) uint8 RGB; sizes may differ.
        columns: pictures per row.
        gap: white space around and between pictures, pixels.

    Returns:
        (rows, columns, 3) uint8 RGB.

    Raises:
        ImageError: there is no picture, one has another shape or type, or ``columns`` is below 1.
    """
    if not pictures or columns < 1:
        raise ImageError(
            f"The contact sheet has {len(pictures)} pictures and {columns} columns; expected at least one of each.",
            "Give it pictures, and 1 column or more.",
        )
    for picture in pictures:
        check_picture(picture)
    lines = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    heights = [max(p.shape[0] for p in line) for line in lines]
    widths = [max(p.shape[1] for p in pictures[c::columns]) for c in range(min(columns, len(pictures)))]
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


def _shrink_masks(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    rows = ((np.arange(height) + 0.5) * masks.shape[1] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * masks.shape[2] / width).astype(np.intp)
    return masks[:, rows[:, None], columns[None, :]]


def captioned(panel: np.ndarray, text: str) -> np.ndarray:
    """Put a line of text above a panel, on white, at least 160 pixels wide."""
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
