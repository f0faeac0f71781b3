"""Paint tints, outlines, boxes and markers on an RGB canvas (H, W, 3) uint8; all coordinates are canvas pixels.

``owner`` is always an ``instance_map``.
"""

from __future__ import annotations

import colorsys
import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor, ImageDraw

__all__ = ["COLOURS", "WHITE", "class_colours", "draw_boxes", "draw_points", "instance_map", "outline", "tint"]

_PALETTE = ("#4C9BE8", "#F2A23A", "#3FB985", "#E8668A", "#9B7FE0", "#35BFC4", "#E07B4F", "#B3B83C")
COLOURS = np.array([ImageColor.getrgb(c) for c in _PALETTE], dtype=np.uint8)
"""Instance colours, (8, 3) uint8 RGB; instance i has colour i modulo 8."""
WHITE = np.array([(255, 255, 255)], dtype=np.uint8)
"""Colour of the ground truth, (1, 3) uint8 RGB."""

_OPACITY = 0.4
_ROWS = 256
"""Rows that are tinted at once; a large photo at once would take gigabytes."""
_DARK = (16, 18, 22)
_RIM_OPACITY = 0.6
_FOREGROUND, _BACKGROUND, _BOX = (38, 200, 96), (228, 52, 60), (255, 214, 64)


def class_colours(count: int) -> np.ndarray:
    """Return one colour per class, (count, 3) uint8 RGB: first the eight of ``COLOURS``, then hues far apart."""
    more = []
    for number in range(len(COLOURS), count):
        hue = (number * 0.618034) % 1  # the golden ratio keeps neighbours apart
        light, saturation = (0.62, 0.48, 0.38)[number % 3], (0.75, 0.9, 0.6)[number // 3 % 3]
        more.append([round(255 * value) for value in colorsys.hls_to_rgb(hue, light, saturation)])
    return np.concatenate([COLOURS, np.array(more, dtype=np.uint8).reshape(-1, 3)])[:count]


def tint(canvas: np.ndarray, owner: np.ndarray, colours: np.ndarray = COLOURS) -> None:
    """Blend each instance with its colour, in place; ``colours`` are (K, 3), instance i has colour i modulo K."""
    for top in range(0, len(owner), _ROWS):
        rows = slice(top, top + _ROWS)
        inside, strip = owner[rows] > 0, canvas[rows]
        blended = colours[(owner[rows][inside] - 1) % len(colours)]
        strip[inside] = np.rint(strip[inside] * (1 - _OPACITY) + blended * _OPACITY).astype(np.uint8)


def instance_map(masks: np.ndarray) -> np.ndarray:
    """Return (H, W) int32: 0 for no mask, else 1 + index of the smallest mask at that pixel."""
    owner = np.zeros(masks.shape[1:], dtype=np.int32)
    for index in np.argsort(-masks.sum(axis=(1, 2)), kind="stable"):
        owner[masks[index]] = index + 1
    return owner


def outline(canvas: np.ndarray, owner: np.ndarray, colours: np.ndarray, unit: int) -> None:
    """Draw a line inside each instance and a darker rim outside, in place; ``unit`` is the line width in pixels."""
    reach = unit + (unit + 1) // 2
    rows, columns = (np.flatnonzero((owner > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    window = tuple(slice(max(0, used[0] - reach), used[-1] + 1 + reach) for used in (rows, columns))
    canvas, owner = canvas[window], owner[window]  # views; the rest of a large picture needs no work
    inside = owner > 0
    line = _grow(_steps(owner), unit - 1) & inside
    rim = _grow(line, (unit + 1) // 2) & ~inside
    canvas[rim] = (canvas[rim] * (1 - _RIM_OPACITY) + np.array(_DARK) * _RIM_OPACITY).astype(np.uint8)
    canvas[line] = colours[(owner[line] - 1) % len(colours)]


def _steps(owner: np.ndarray) -> np.ndarray:
    """Find pixels with a direct neighbour of another owner; the border of the picture does not count."""
    edge = np.zeros(owner.shape, dtype=bool)
    down, right = owner[1:] != owner[:-1], owner[:, 1:] != owner[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def _grow(mask: np.ndarray, steps: int) -> np.ndarray:
    """Dilate by ``steps`` pixels."""
    for _ in range(steps):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask


def draw_boxes(canvas: np.ndarray, boxes: np.ndarray, unit: int) -> None:
    """Draw yellow frames around the boxes, ``unit`` pixels wide, with dark rims, in place; frames cover rims.

    Frames are clipped to the picture, so a box around the whole picture is visible at its border.
    """
    height, width = canvas.shape[:2]
    for colour, rim in ((_DARK, (unit + 1) // 2), (_BOX, 0)):
        for box in boxes:
            x0, y0, x1, y1 = (round(float(v)) for v in box)
            x0, y0, x1, y1 = max(x0 - unit, 0), max(y0 - unit, 0), min(x1 + unit, width), min(y1 + unit, height)
            frame = np.zeros((height, width), dtype=bool)
            frame[_within(x0 - rim, y0 - rim, x1 + rim, y1 + rim)] = True
            frame[_within(x0 + unit + rim, y0 + unit + rim, x1 - unit - rim, y1 - unit - rim)] = False
            canvas[frame] = colour


def _within(x0: int, y0: int, x1: int, y1: int) -> tuple[slice, slice]:
    """Return the rows and columns of a rectangle, clipped at the left and upper border."""
    return slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))


def draw_points(canvas: np.ndarray, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return a copy of the canvas with markers at points (P, 2), (x, y); labels (P,) other than 0 and 1 are skipped."""
    # With many clicks the objects are small: use smaller markers, which hide less of them.
    radius = max(4, round(max(canvas.shape[:2]) / (85 if len(points) <= 12 else 130)))
    picture = Image.fromarray(canvas)
    for (x, y), label in zip(points, labels, strict=True):
        if label in (0, 1):
            marker = _marker(bool(label), radius)
            corner = (math.floor(x - marker.width / 2 + 0.5), math.floor(y - marker.height / 2 + 0.5))
            picture.paste(marker, corner, marker)
    return np.array(picture)


@lru_cache(maxsize=32)
def _marker(foreground: bool, radius: int) -> Image.Image:
    """Draw a disc with a white plus or minus and a dark rim, RGBA; it is drawn four times as large for smooth edges."""
    fine, side = 4, 2 * radius + 3
    picture = Image.new("RGBA", (side * fine, side * fine))
    draw = ImageDraw.Draw(picture)
    centre, reach = side * fine / 2, radius * fine
    for share, colour in ((1.0, _DARK), (0.86, "white"), (0.68, _FOREGROUND if foreground else _BACKGROUND)):
        r = reach * share
        draw.ellipse((centre - r, centre - r, centre + r, centre + r), fill=colour)
    arm, half = reach * 0.42, reach * 0.1
    draw.rectangle((centre - arm, centre - half, centre + arm, centre + half), fill="white")
    if foreground:
        draw.rectangle((centre - half, centre - arm, centre + half, centre + arm), fill="white")
    return picture.resize((side, side), Image.Resampling.BOX)
