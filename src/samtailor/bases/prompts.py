"""Prompts as tensors in the input frame, the form that a base reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from samtailor.errors import PromptError
from samtailor.frames import Frame
from samtailor.prompts import Prompts

__all__ = ["PromptTensors"]


@dataclass(frozen=True)
class PromptTensors:
    """N prompts on each of B images, in the input frame (pixels, (x, y), pixel centres at +0.5).

    At least one of points, boxes and masks is set.

    Attributes:
        points: (B, N, P, 2) float, or None.
        labels: (B, N, P) int, 1 foreground, 0 background, -1 padding; None exactly when ``points`` is None.
        boxes: (B, N, 4) float, (x0, y0, x1, y1), or None.
        masks: (B, N, 4h, 4w) float, low-res logits of an earlier mask, or None.
        words: N class names, empty for none, or None; no base reads them, but adapters may.
    """

    points: Tensor | None = None
    labels: Tensor | None = None
    boxes: Tensor | None = None
    masks: Tensor | None = None
    words: tuple[str, ...] | None = None

    @classmethod
    def of(cls, prompts: Prompts, frame: Frame, device: torch.device) -> PromptTensors:
        """Convert the prompts of one image (image frame) to tensors with B = 1 on ``device``.

        A word alone becomes a padding point, which is how SAM encodes a prompt without a place.
        """
        prompts = prompts.placed()

        def tensor(values: object) -> Tensor | None:
            return None if values is None else torch.as_tensor(values, device=device)[None]

        points, boxes = tensor(prompts.points), tensor(prompts.boxes)
        return cls(
            points=None if points is None else frame.points_to_input(points),
            labels=tensor(prompts.labels),
            boxes=None if boxes is None else frame.boxes_to_input(boxes),
            masks=tensor(prompts.masks),
            words=prompts.words if prompts.have_words else None,
        )

    @property
    def batch(self) -> tuple[int, int]:
        """(B, N).

        Raises:
            PromptError: all attributes are None.
        """
        for part in (self.points, self.boxes, self.masks):
            if part is not None:
                return part.shape[0], part.shape[1]
        raise PromptError("A prompt has no points, no box and no mask.", "Give at least one of them.")
