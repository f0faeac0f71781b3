"""Predict masks for a user's own image and prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import load_adapter
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE, load_base
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import PromptError
from samtailor.frames import Frame
from samtailor.prompts import check_prompts

__all__ = ["Prediction", "Predictor"]


@dataclass(frozen=True)
class Prediction:
    """M masks for each of N prompts.

    Attributes:
        masks: (N, M, H, W) bool, image frame.
        iou: (N, M) float32, the model's own estimate of each mask's IoU, about 0..1.
        logits: (N, M, 4h, 4w) float32, low-res frame; (N, M, 256, 256) for SAM.
    """

    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray


class Predictor:
    """Predicts masks from prompts; the adapter can be switched off for each call.

    Example:
        >>> predictor = Predictor("mobile-sam", adapter="runs/demo")
        >>> predictor.set_image("field.png")
        >>> predictor.predict(points=[[120, 80]]).masks.shape  # (1, 1, H, W)

    Args:
        base: a base, or its name.
        adapter: an adapter, or a run folder; None uses the base alone.
        cache: stores embeddings; defaults to the user's cache.

    Raises:
        BaseModelError: the base cannot be loaded.
        AdapterError: the adapter cannot be loaded, or belongs to another base.
    """

    def __init__(
        self,
        base: Base | str = DEFAULT_BASE,
        adapter: Adapter | str | Path | None = None,
        cache: EmbeddingStore | None = None,
    ) -> None:
        loaded = load_base(base) if isinstance(base, str) else base
        adapter = load_adapter(adapter, loaded) if isinstance(adapter, str | Path) else adapter
        self.model = AdaptedModel.of(loaded, adapter, cache)
        self._image: EmbeddedImage | None = None

    @property
    def frame(self) -> Frame | None:
        """The frame of the current image; None before ``set_image``."""
        return None if self._image is None else self._image.frame

    def set_image(self, image: str | Path | Image.Image | np.ndarray) -> None:
        """Choose the image for the following calls of ``predict``.

        The image goes through the encoder only if its embedding is not in the cache.

        Args:
            image: a path, a PIL image, or an array: (H, W) or (H, W, 3 or 4), uint8, uint16, or float in 0..1.

        Raises:
            ImageError: it cannot be read or is not an image.
        """
        self._image = None  # if this image fails, later calls must not use the previous one
        self._image = self.model.embedder.open_picture(image)

    def predict(
        self,
        points: Any = None,
        labels: Any = None,
        boxes: Any = None,
        multimask: bool = False,
        adapted: bool = True,
        mask_input: Any = None,
    ) -> Prediction:
        """Predict masks for one or several prompts on the current image.

        To refine a mask, pass its logits with the next clicks:

            first = predictor.predict(points=[[120, 80]])
            predictor.predict(points=[[120, 80], [60, 90]], labels=[1, 0], mask_input=first.logits[:, 0])

        Args:
            points: (P, 2) one prompt of P points, or (N, P, 2); (x, y) in image pixels, pixel centres at +0.5.
            labels: (P,) or (N, P), 1 foreground, 0 background; None means all foreground.
            boxes: (4,) or (N, 4), x0 y0 x1 y1 in image pixels; with points, prompt i has both.
            multimask: return the alternatives for an ambiguous prompt (three for SAM) instead of the single mask.
            adapted: False uses the base alone.
            mask_input: (4h, 4w) or (N, 4h, 4w) low-res logits of an earlier mask; prompt i refines mask i.

        Raises:
            PromptError: no image is set, a prompt has a wrong shape or label, or a prompt is outside the image.
        """
        if self._image is None:
            raise PromptError("No image is set.", "Call set_image first.")
        prompts = check_prompts(points, labels, boxes, mask_input, frame=self._image.frame)
        model = self.model if adapted else self.model.plain
        answers = list(model.answer(self._image, prompts, "multi" if multimask else "single"))
        return Prediction(
            np.concatenate([a.masks for a in answers]),
            np.concatenate([a.iou for a in answers]),
            np.concatenate([a.logits for a in answers]),
        )
