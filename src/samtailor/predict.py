"""Masks for a user's own image and prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from samtailor.adapters.answer import answer_in_chunks
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import load_adapter
from samtailor.bases.base import Base
from samtailor.bases.registry import load_base
from samtailor.data.pixels.images import image_key, read_image
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import PromptError
from samtailor.frames import Frame
from samtailor.prompts import check_prompts

__all__ = ["Prediction", "Predictor"]


@dataclass(frozen=True)
class Prediction:
    """Answer to N prompts with M masks each.

    Attributes:
        masks: (N, M, H, W) bool, image frame.
        iou: (N, M) float32, the model's own estimate of each mask's IoU, about 0..1.
        logits: (N, M, 256, 256) float32, low-res frame (256: a quarter of the base's input size).
    """

    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray


class Predictor:
    """Prompts in, masks out; the adapter can be switched off for each call.

    Example:
        >>> predictor = Predictor("mobile-sam", adapter="runs/demo")
        >>> predictor.set_image("field.png")
        >>> predictor.predict(points=[[120, 80]]).masks.shape  # (1, 1, H, W)

    Args:
        base: a base, or its name.
        adapter: an adapter, or the folder that fit wrote; None answers as the base alone does.
        cache: where embeddings are kept; default: the user's cache.

    Raises:
        BaseModelError, AdapterError: either cannot be loaded, or the adapter belongs to another base.
    """

    def __init__(
        self,
        base: Base | str = "mobile-sam",
        adapter: Adapter | str | Path | None = None,
        cache: EmbeddingCache | None = None,
    ) -> None:
        self.base = load_base(base) if isinstance(base, str) else base
        self.adapter = load_adapter(adapter, self.base) if isinstance(adapter, str | Path) else adapter
        self.cache = cache or EmbeddingCache()
        self.frame: Frame | None = None
        self._embeddings: dict[str, Tensor] = {}

    def set_image(self, image: str | Path | Image.Image | np.ndarray) -> None:
        """Choose the image that following calls are about; its embedding comes from the cache if it is there.

        Args:
            image: a path, a PIL image, or an array: (H, W) or (H, W, 3 or 4), uint8, uint16, or float in 0..1.

        Raises:
            ImageError: it cannot be read or is not a picture.
        """
        self.frame = None  # if this image fails, no later call may answer about the one before
        pixels = read_image(image)
        found = self.cache.embed(self.base, image_key(image), lambda: pixels, strict=False)
        self._embeddings = {name: tensor[None].to(self.base.device) for name, tensor in found.items()}
        self.frame = Frame(pixels.shape[1], pixels.shape[0], self.base.input_size)

    def predict(
        self,
        points: Any = None,
        labels: Any = None,
        boxes: Any = None,
        multimask: bool = False,
        adapted: bool = True,
    ) -> Prediction:
        """Masks for one or several prompts on the current image.

        Args:
            points: (P, 2) one prompt of P points, or (N, P, 2); (x, y) in image pixels, pixel centres at +0.5.
            labels: (P,) or (N, P), 1 foreground, 0 background; None: all foreground.
            boxes: (4,) or (N, 4), x0 y0 x1 y1 in image pixels; with points, prompt i has both.
            multimask: three masks per prompt for an ambiguous one, instead of the single mask.
            adapted: False, or no adapter: the base alone answers.

        Raises:
            PromptError: no image is set, or a prompt has a wrong shape, label or place.
        """
        if self.frame is None:
            raise PromptError("No image is set.", "Call set_image first.")
        prompts = check_prompts(points, labels, boxes, self.frame.width, self.frame.height)
        adapter = self.adapter if adapted else None
        answers = list(
            answer_in_chunks(
                self.base, adapter, self._embeddings, prompts, self.frame, "multi" if multimask else "single"
            )
        )
        return Prediction(
            np.concatenate([a.masks for a in answers]),
            np.concatenate([a.iou for a in answers]),
            np.concatenate([a.logits for a in answers]),
        )
