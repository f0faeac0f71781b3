"""What a prompt is, and the kinds of prompts that can be simulated from masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from samtailor.errors import PromptError
from samtailor.machine.text import did_you_mean

__all__ = ["WORD_KINDS", "EvaluatedKind", "PromptKind", "Prompts", "check_evaluated_kind", "check_kind"]

PromptKind = Literal["click", "box", "mix", "interactive"]
"""Prompts to train on. ``mix`` is a click or a box by a fair coin: per image in training, per instance elsewhere.
``interactive`` is a click or a box, often followed by corrective clicks."""

EvaluatedKind = Literal["click", "box", "mix", "3 clicks", "word", "word+click", "wrong word+click"]
"""Prompts to evaluate with; ``3 clicks`` is one prompt of three clicks on the object.

``word`` is a class name alone, which means all objects of the class in the image; ``word+click`` is the click of
``click`` with the class name, and ``wrong word+click`` with the name of another class.
"""

WORD_KINDS = ("word", "word+click", "wrong word+click")
"""Those with words."""


def check_kind(kind: str) -> None:
    """Raise PromptError if ``kind`` is not a ``PromptKind``."""
    if kind not in get_args(PromptKind):
        words = " The method words adds words to them by itself." if kind in WORD_KINDS else ""
        raise PromptError(
            f"Prompts of kind {kind!r} cannot be simulated.",
            f"Choose click, box, mix or interactive.{words}{did_you_mean(kind, get_args(PromptKind))}",
        )


def check_evaluated_kind(kind: str) -> None:
    """Raise PromptError if ``kind`` is not an ``EvaluatedKind``."""
    kinds = get_args(EvaluatedKind)
    if kind == "interactive":
        raise PromptError(
            "A split is not scored with interactive prompts: each mask depends on the masks before it.",
            "Choose click, box, mix or 3 clicks; --clicks counts corrective clicks.",
        )
    if kind not in kinds:
        raise PromptError(
            f"Prompts of kind {kind!r} cannot be simulated.",
            f"Choose {', '.join(kinds[:-1])} or {kinds[-1]}.{did_you_mean(kind, kinds)}",
        )


@dataclass(frozen=True)
class Prompts:
    """N prompts on one image, in the image frame (pixels, (x, y), pixel centres at +0.5).

    Attributes:
        points: (N, P, 2) float32, or None.
        labels: (N, P) int64, 1 foreground, 0 background, -1 padding; None exactly when ``points`` is None.
        boxes: (N, 4) float32 (x0, y0, x1, y1), or None.
        masks: (N, 4h, 4w) float32, low-res logits of an earlier mask (low-res frame), or None.
        words: N class names, or None; an empty one is no word. A word alone means all objects of its class.
    """

    points: np.ndarray | None = None
    labels: np.ndarray | None = None
    boxes: np.ndarray | None = None
    masks: np.ndarray | None = None
    words: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return next((len(part) for part in (self.points, self.boxes, self.masks, self.words) if part is not None), 0)

    def __getitem__(self, rows: slice | np.ndarray) -> Prompts:
        """Select some of the prompts: a slice, or positions (n,)."""
        points, labels, boxes, masks = (
            None if part is None else part[rows] for part in (self.points, self.labels, self.boxes, self.masks)
        )
        return Prompts(points, labels, boxes, masks, self._words_of(rows))

    def _words_of(self, rows: slice | np.ndarray) -> tuple[str, ...] | None:
        if self.words is None:
            return None
        return self.words[rows] if isinstance(rows, slice) else tuple(self.words[int(row)] for row in rows)

    @property
    def have_words(self) -> bool:
        """Whether any prompt has a word."""
        return any(self.words or ())

    @property
    def have_places(self) -> bool:
        """Whether the prompts have anything but words: points, boxes or masks."""
        return any(part is not None for part in (self.points, self.boxes, self.masks))

    def placed(self) -> Prompts:
        """Return the prompts with a padding point (label -1) each if they are words alone: a prompt without a place."""
        if self.have_places or self.words is None:
            return self
        n = len(self.words)
        return replace(self, points=np.zeros((n, 1, 2), dtype=np.float32), labels=np.full((n, 1), -1, dtype=np.int64))

    def without_words(self) -> Prompts:
        """Return the prompts for a model that reads no words; a word alone becomes a prompt without a place."""
        return replace(self.placed(), words=None)

    def with_click(self, points: np.ndarray, labels: np.ndarray, masks: np.ndarray | None = None) -> Prompts:
        """Add one click to each prompt, and replace the masks.

        Args:
            points: (N, 2), image frame.
            labels: (N,), 1 foreground, 0 background.
            masks: (N, 4h, 4w) low-res logits, or None for no masks.
        """
        new_points, new_labels = points[:, None].astype(np.float32), labels[:, None].astype(np.int64)
        if self.points is not None and self.labels is not None:
            new_points = np.concatenate([self.points, new_points], axis=1)
            new_labels = np.concatenate([self.labels, new_labels], axis=1)
        return Prompts(new_points, new_labels, self.boxes, masks, self.words)

    def by_point_count(self) -> Iterator[tuple[np.ndarray, Prompts]]:
        """Group prompts that have the same number of points, and leave out padding points (label -1).

        Yields:
            (n,) positions of the prompts of a group, and these prompts.
        """
        points, labels = self.points, self.labels
        if points is None or labels is None or (labels >= 0).all():
            yield np.arange(len(self)), self
            return
        counts = (labels >= 0).sum(axis=1)
        for count in np.unique(counts).tolist():
            rows = np.flatnonzero(counts == count)
            order = np.argsort(labels[rows] < 0, axis=1, kind="stable")[:, :count]
            yield (
                rows,
                Prompts(
                    points=points[rows[:, None], order] if count else None,
                    labels=labels[rows[:, None], order] if count else None,
                    boxes=None if self.boxes is None else self.boxes[rows],
                    masks=None if self.masks is None else self.masks[rows],
                    words=None if self.words is None else tuple(self.words[row] for row in rows.tolist()),
                ),
            )
