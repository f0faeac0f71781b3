"""Pictures for the page: data URIs, and the heat maps of clicks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from PIL import Image

from samtailor.errors import ImageError
from samtailor.report.page.blocks import Picture

__all__ = ["click_map", "colour_bar", "mean_inside", "picture"]

_SIDE = 300  # pixels; the longer side of a heat map
_WHITE, _DARK = (255, 255, 255, 255), (16, 18, 22, 255)


def picture(content: bytes, alt: str, heading: str = "", caption: str = "") -> Picture:
    """A PNG, JPEG or WebP file's bytes as a picture of the page.

    Raises:
        ImageError: the bytes are no picture.
    """
    try:
        with Image.open(BytesIO(content)) as opened:
            kind, (width, height) = opened.get_format_mimetype() or "", opened.size
    except (OSError, TypeError) as error:
        raise ImageError(f"The picture for {alt!r} cannot be read: {error}", "Give PNG or JPEG bytes.") from error
    if kind not in ("image/png", "image/jpeg", "image/webp"):
        raise ImageError(f"The picture for {alt!r} is of type {kind!r}.", "Give PNG or JPEG bytes.")
    return Picture(f"data:{kind};base64,{b64encode(content).decode()}", alt, width, height, heading, caption)


def click_map(item: Mapping[str, Any], method: str, alt: str) -> Picture:
    """IoU by place of the click as colours from 0 (dark) to 1 (bright), laid over the crop ``extent``.

    The mask's outline is white; what the grid does not cover, or where there is no score, is transparent.

    Raises:
        ImageError: the grids do not fit together.
    """
    xs, ys = (np.asarray(item[k], dtype=float) for k in ("x", "y"))
    values, inside = _grid(item, method, xs, ys), _grid(item, "inside", xs, ys) > 0.5
    left, top, right, bottom = (float(v) for v in item.get("extent") or _hull(xs, ys))
    scale = _SIDE / max(right - left, bottom - top, 1e-9)
    width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    columns, in_x = _nearest(xs, left + (np.arange(width) + 0.5) / scale)
    rows, in_y = _nearest(ys, top + (np.arange(height) + 0.5) / scale)
    canvas = _colours()[np.clip(np.nan_to_num(values) * 255, 0, 255).astype(np.uint8)][rows[:, None], columns]
    covered = in_y[:, None] & in_x & np.isfinite(values)[rows[:, None], columns]
    canvas[~covered] = 0
    _outline(canvas, inside[rows[:, None], columns] & in_y[:, None] & in_x)
    return picture(_png(canvas), alt)


def mean_inside(item: Mapping[str, Any], method: str) -> float:
    """Mean IoU of the clicks inside the mask; NaN without any."""
    values, inside = np.array(item[method], dtype=float), np.asarray(item["inside"], dtype=bool)
    chosen = values[inside & np.isfinite(values)] if values.shape == inside.shape else values[:0]
    return float(chosen.mean()) if len(chosen) else float("nan")


def colour_bar() -> Picture:
    """The colours of ``click_map`` from 0 to 1, left to right."""
    return picture(_png(_colours()[None]), "Colour scale of the click maps: dark violet is 0, bright yellow is 1.")


@lru_cache(maxsize=1)
def _colours() -> np.ndarray:
    """(256, 4) uint8 RGBA."""
    return np.asarray(matplotlib.colormaps["viridis"](np.arange(256), bytes=True))


def _grid(item: Mapping[str, Any], key: str, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    values = np.array(item[key], dtype=float)  # None becomes NaN
    if values.shape != (len(ys), len(xs)) or values.size == 0:
        raise ImageError(
            f"The click map of {item.get('image')} has {key!r} of shape {values.shape}.",
            f"Expected one row per y and one column per x: ({len(ys)}, {len(xs)}).",
        )
    return values


def _hull(xs: np.ndarray, ys: np.ndarray) -> Sequence[float]:
    """The grid with half a step around it."""
    x, y = _step(xs) / 2, _step(ys) / 2
    return (xs[0] - x, ys[0] - y, xs[-1] + x, ys[-1] + y)


def _step(places: np.ndarray) -> float:
    return float(np.median(np.diff(places))) if len(places) > 1 else 1.0


def _nearest(places: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each ``at``: the index of the nearest place, and whether it lies in that place's cell."""
    index = np.abs(at[:, None] - places).argmin(axis=1)
    return index, np.abs(at - places[index]) <= _step(places) / 2 + 1e-6


def _outline(canvas: np.ndarray, inside: np.ndarray) -> None:
    """A white line two pixels wide inside the mask, a dark one outside, in place."""
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
