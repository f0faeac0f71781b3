"""A session: one object, its clicks so far, and the mask that is refined with each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from samtailor.errors import PromptError

__all__ = ["Session"]


class _Logits(Protocol):
    @property
    def logits(self) -> np.ndarray: ...


P = TypeVar("P", bound=_Logits)


@dataclass(frozen=True)
class _Step(Generic[P]):
    points: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]
    box: tuple[float, ...] | None
    prediction: P


class Session(Generic[P]):
    """Corrects the mask of one object click by click; ``Predictor.session`` starts one.

    Each call returns the prediction for all clicks so far. The logits of the mask before go back into the model, as
    Segment Anything's own predictor does with ``mask_input``.

    Example:
        >>> session = predictor.session("field.png")
        >>> session.click(120, 80)
        >>> session.click(60, 90, label=0)  # this part does not belong to it
        >>> mask = session.undo().masks[0, 0]

    Args:
        predict: from keyword arguments of ``Predictor.predict`` to a prediction of one mask.
        with_mask: whether the logits of the mask before go back into the model.
    """

    def __init__(self, predict: Callable[..., P], with_mask: bool) -> None:
        self._predict = predict
        self._steps: list[_Step[P]] = []
        self.with_mask = with_mask

    def __repr__(self) -> str:
        return f"<Session: {len(self._last.points) if self._steps else 0} clicks>"

    @property
    def prediction(self) -> P | None:
        """The prediction for all clicks so far; None before the first one."""
        return self._last.prediction if self._steps else None

    def click(self, x: float, y: float, label: int = 1) -> P:
        """Add a click.

        Args:
            x: image pixels from the left edge.
            y: image pixels from the upper edge.
            label: 1 on the object, 0 on what does not belong to it.

        Raises:
            PromptError: the label is neither 0 nor 1, or the click is outside the image.
        """
        if label not in (0, 1):
            raise PromptError(f"The label is {label!r}.", "Expected 1 (the object) or 0 (not the object).")
        points, labels = (self._last.points, self._last.labels) if self._steps else ((), ())
        return self._add((*points, (x, y)), (*labels, int(label)), self._last.box if self._steps else None)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> P:
        """Set the box around the object, or replace it; image pixels.

        Raises:
            PromptError: the box is empty or outside the image.
        """
        points, labels = (self._last.points, self._last.labels) if self._steps else ((), ())
        return self._add(points, labels, (x0, y0, x1, y1))

    def undo(self) -> P | None:
        """Take back the last click or box, and return the prediction before it; None if nothing is left.

        Raises:
            PromptError: there is nothing to take back.
        """
        if not self._steps:
            raise PromptError("There is no click to take back.", "Click first.")
        self._steps.pop()
        return self.prediction

    def clear(self) -> None:
        """Take back all clicks and the box, to begin with another object of the same image."""
        self._steps.clear()

    @property
    def _last(self) -> _Step[P]:
        return self._steps[-1]

    def _add(self, points: tuple[tuple[float, float], ...], labels: tuple[int, ...], box: Any) -> P:
        mask = self._last.prediction.logits[:, 0] if self._steps and self.with_mask else None
        prediction = self._predict(
            points=np.array(points) if points else None,
            labels=np.array(labels) if points else None,
            boxes=None if box is None else np.array(box),
            mask_input=mask,
        )
        self._steps.append(_Step(points, labels, box, prediction))  # only if the click could be used
        return prediction
