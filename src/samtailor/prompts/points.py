"""Check a user's points and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.prompts.numbers import finite, rows_of_numbers

__all__ = ["TOLERANCE", "check_points"]

TOLERANCE = 0.5
"""Pixels by which points and boxes may be outside the image without a word; they are moved to its border."""
_SHAPES = "Expected (P, 2) for one prompt or (N, P, 2) for several; in a list, each prompt may have its own P."


def check_points(points: Any, labels: Any, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (N, P, 2) float32 and labels (N, P) int64; shorter prompts are padded with label -1.

    Raises:
        PromptError: a shape or label is wrong, or a point is outside the image.
    """
    rows = _rows(points)
    tags = _label_rows(labels, rows)
    longest = max(map(len, rows), default=0)
    array = np.zeros((len(rows), longest, 2))
    padded = np.full((len(rows), longest), -1, dtype=np.int64)
    for i, (row, tag) in enumerate(zip(rows, tags, strict=True)):
        array[i, : len(row)], padded[i, : len(row)] = row, tag
    array[padded < 0] = 0  # the coordinates of padding mean nothing
    return _inside(finite(array, "points"), width, height).astype(np.float32), padded


def _rows(points: Any) -> list[np.ndarray]:
    """Return the points (P, 2) of each prompt; no prompts if there is not a single point."""
    values = rows_of_numbers(points, "points")
    if isinstance(values, np.ndarray):
        shape = values.shape
        if shape == (2,):
            values = values[None]
        one_prompt = values.ndim == 2 and values.shape[1] == 2
        rows = [values] if one_prompt else list(values) if values.ndim > 1 else [] if values.size == 0 else [values]
    else:
        shape, rows = (len(values), "..."), values
    if len(rows) <= 1 and all(row.size == 0 for row in rows):
        return []
    rows = [row.reshape(0, 2) if row.size == 0 else row for row in rows]
    wrong = next((i for i, row in enumerate(rows) if row.ndim != 2 or row.shape[1] != 2), None)
    if wrong is not None:
        ragged = not isinstance(values, np.ndarray)
        raise PromptError(
            f"The points of prompt {wrong} have shape {rows[wrong].shape}."
            if ragged
            else f"Points have shape {shape}.",
            "Expected (P, 2): x and y of each point." if ragged else _SHAPES,
        )
    return rows


def _label_rows(labels: Any, rows: list[np.ndarray]) -> list[np.ndarray]:
    """Return the labels of each prompt's points."""
    counts = [len(row) for row in rows]
    if labels is None:
        return [np.ones(count) for count in counts]
    values = rows_of_numbers(labels, "labels")
    if isinstance(values, np.ndarray):
        if values.size == 0 and not rows:
            return []
        if values.ndim <= 1 and len(rows) <= 1:
            values = values.reshape(1, -1)
        elif values.ndim == 1 and set(counts) == {1}:
            values = values[:, None]
    tags = [np.atleast_1d(row) for row in values]
    # Rows that are already padded to the longest prompt fit too.
    longest = max(counts, default=0)
    cut = [
        tag[:count] if len(tag) == longest and tag.ndim == 1 and (tag[count:] == -1).all() else tag
        for tag, count in zip(tags, counts, strict=False)
    ]
    if len(tags) != len(rows) or any(tag.shape != (count,) for tag, count in zip(cut, counts, strict=True)):
        given = [len(tag) if tag.ndim == 1 else tag.shape for tag in tags]
        raise PromptError(
            f"Labels and points do not agree: labels per prompt {_few(given)}, points per prompt {_few(counts)}.",
            "Give one label per point: 1 (foreground) or 0 (background); -1 marks padding.",
        )
    wrong = sorted({float(value) for tag in cut for value in tag} - {-1.0, 0.0, 1.0})
    if wrong:
        raise PromptError(
            f"Labels contain {', '.join(f'{value:g}' for value in wrong[:5])}.",
            "Expected 1 (foreground), 0 (background) or -1 (padding). Give boxes as boxes=.",
        )
    return cut


def _few(counts: list[Any]) -> str:
    text = ", ".join(map(str, counts[:5]))
    return f"{text}, ..." if len(counts) > 5 else text or "none"


def _inside(array: np.ndarray, width: int, height: int) -> np.ndarray:
    """Move points to the border that are at most ``TOLERANCE`` outside; others outside raise PromptError."""
    outside = ((array < -TOLERANCE) | (array > (width + TOLERANCE, height + TOLERANCE))).any(-1)
    if outside.any():
        x, y = array[outside][0]
        raise PromptError(
            f"The point ({x:g}, {y:g}) lies outside the image of {width} x {height} pixels.",
            "Points are (x, y) in pixels of the original image, x to the right, y down.",
        )
    clipped: np.ndarray = np.clip(array, 0, (width, height))
    return clipped
