"""Pictures for the page: data URIs, and click maps as heat maps."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

from samtailor.drawing.plotting import load_matplotlib
from samtailor.errors import ImageError
from samtailor.evaluation.study_results import ClickMap
from samtailor.report.page.blocks import Picture

__all__ = ["Side", "colour_bar", "heat_map", "mean_inside", "picture"]

Side = Literal["base", "adapted"]

_SIDE = 300  # pixels; the longer side of a heat map
_WHITE, _DARK = (255, 255, 255, 255), (16, 18, 22, 255)


def picture(content: bytes, alt: str, heading: str = "", caption: str = "") -> Picture:
    """Embed a PNG, JPEG or WebP file's content in the page.

    Raises:
        ImageError: the content is not such a picture.
    """
    try:
        with Image.open(BytesIO(content)) as opened:
            kind, (width, height) = opened.get_format_mimetype() or "", opened.size
    except (OSError, TypeError) as error:
        raise ImageError(f"The picture for {alt!r} cannot be read: {error}", "Give PNG or JPEG bytes.") from error
    if kind not in ("image/png", "image/jpeg", "image/webp"):
        raise ImageError(f"The picture for {alt!r} is of type {kind!r}.", "Give PNG or JPEG bytes.")
    return Picture(f"data:{kind};base64,{b64encode(content).decode()}", alt, width, height, heading, caption)


def heat_map(clicks: ClickMap, side: Side, alt: str) -> Picture:
    """Draw the IoU by position of the click as colours from 0 (dark) to 1 (bright), over the area ``extent``.

    The outline of the instance is white. Areas without a click or without a score are transparent.

    Raises:
        ImageError: the grids do not have the same shape.
    """
    xs, ys = np.asarray(clicks.x, dtype=float), np.asarray(clicks.y, dtype=float)
    values, inside = _grid(clicks, side), _grid(clicks, "inside") > 0.5
    left, top, right, bottom = clicks.extent
    scale = _SIDE / max(right - left, bottom - top, 1e-9)
    width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    columns, in_x = _nearest(xs, left + (np.arange(width) + 0.5) / scale)
    rows, in_y = _nearest(ys, top + (np.arange(height) + 0.5) / scale)
    canvas = _colours()[np.clip(np.nan_to_num(values) * 255, 0, 255).astype(np.uint8)][rows[:, None], columns]
    covered = in_y[:, None] & in_x & np.isfinite(values)[rows[:, None], columns]
    canvas[~covered] = 0
    _outline(canvas, inside[rows[:, None], columns] & in_y[:, None] & in_x)
    return picture(_png(canvas), alt)


def mean_inside(clicks: ClickMap, side: Side) -> float:
    """Compute the mean IoU of the clicks on the instance; NaN if there are none.

    Raises:
        ImageError: the grids do not have the same shape.
    """
    values, inside = _grid(clicks, side), _grid(clicks, "inside") > 0.5
    chosen = values[inside & np.isfinite(values)]
    return float(chosen.mean()) if len(chosen) else float("nan")


def colour_bar() -> Picture:
    """Draw the colours of ``heat_map`` from 0 to 1, left to right."""
    return picture(_png(_colours()[None]), "Colour scale of the click maps: dark violet is 0, bright yellow is 1.")


@lru_cache(maxsize=1)
def _colours() -> np.ndarray:
    """(256, 4) uint8 RGBA."""
    return np.asarray(load_matplotlib().colormaps["viridis"](np.arange(256), bytes=True))


def _grid(clicks: ClickMap, name: Literal["base", "adapted", "inside"]) -> np.ndarray:
    values, expected = np.array(getattr(clicks, name), dtype=float), (len(clicks.y), len(clicks.x))
    if values.shape != expected or values.size == 0:
        raise ImageError(
            f"The click map of {clicks.image} has {name!r} of shape {values.shape}; "
            f"expected one row per y and one column per x: {expected}.",
            "Delete the kept click maps in the run's studies folder and make the report again.",
        )
    return values


def _step(positions: np.ndarray) -> float:
    return float(np.median(np.diff(positions))) if len(positions) > 1 else 1.0


def _nearest(positions: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each ``at``: the index of the nearest click position, and whether it is at most half a step away."""
    index = np.abs(at[:, None] - positions).argmin(axis=1)
    return index, np.abs(at - positions[index]) <= _step(positions) / 2 + 1e-6


def _outline(canvas: np.ndarray, inside: np.ndarray) -> None:
    """Draw, in place, a white line two pixels wide inside the mask and a dark one outside."""
    grown = _spread(inside)
    canvas[_spread(grown) & ~inside] = _DARK
    canvas[inside & _spread(_spread(~inside))] = _WHITE


def _spread(mask: np.ndarray) -> np.ndarray:
    """Dilate by one pixel."""
    padded = np.pad(mask, 1)
    return np.asarray(mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:])


def _png(canvas: np.ndarray) -> bytes:
    content = BytesIO()
    Image.fromarray(np.ascontiguousarray(canvas)).save(content, format="PNG", optimize=True)
    return content.getvalue()
