"""Base, adapter and embeddings as one model: prompts in, masks out. Adapters and bases are combined only here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base, Decoded, MaskChoice
from samtailor.bases.prompts import PromptTensors
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage, Embedder
from samtailor.errors import AdapterError, PromptError
from samtailor.frames import Frame
from samtailor.prompts import Prompts

__all__ = ["AdaptedModel", "Answer"]

CHUNK = {"cpu": 4}
"""Prompts decoded at once, by device. On a CPU, the image-sized activations of more prompts do not fit its caches."""
MASK_BYTES = 1 << 30
"""Maximum size of the full-size masks held at once; one prompt is always allowed."""


@dataclass(frozen=True)
class Answer:
    """Masks of some prompts on one image.

    Attributes:
        rows: positions of these prompts among all N.
        masks: (n, M, H, W) bool, image frame.
        iou: (n, M) float32, the model's own estimates.
        logits: (n, M, 4h, 4w) float32, low-res frame.
    """

    rows: slice
    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class AdaptedModel:
    """A frozen base, an optional adapter, and the embeddings of images.

    Attributes:
        embedder: gets embeddings from the cache or the base.
        adapter: on the base's device; None for the base alone.
    """

    embedder: Embedder
    adapter: Adapter | None = None

    @classmethod
    def of(cls, base: Base, adapter: Adapter | None = None, cache: EmbeddingCache | None = None) -> AdaptedModel:
        """Build a model; ``cache`` defaults to the user's cache."""
        return cls(Embedder(base, cache or EmbeddingCache()), adapter)

    @property
    def base(self) -> Base:
        return self.embedder.base

    @property
    def cache(self) -> EmbeddingCache:
        return self.embedder.cache

    @property
    def plain(self) -> AdaptedModel:
        """The base alone, with the same embeddings."""
        return replace(self, adapter=None)

    def require_adapter(self) -> Adapter:
        """Return the adapter.

        Raises:
            AdapterError: there is none.
        """
        if self.adapter is None:
            raise AdapterError("The model has no adapter, but this needs one.", "Give the folder of a run.")
        return self.adapter

    def with_adapter(self, adapter: Adapter | None) -> AdaptedModel:
        """Return a model with another adapter, and the same base and embeddings."""
        return replace(self, adapter=adapter)

    def open(self, record: ImageRecord) -> EmbeddedImage:
        """Embed an image of a task; do it once for several calls of ``decode`` and ``answer``."""
        return self.embedder.open(record)

    def decode(
        self, image: EmbeddedImage, prompts: Prompts, masks: MaskChoice = "single", cells: Tensor | None = None
    ) -> Decoded:
        """Decode N prompts on one image; differentiable with respect to the adapter.

        Args:
            image: an embedded image.
            prompts: N prompts, image frame.
            masks: which mask tokens to decode; ``single`` is the adapter's own token if there is an adapter.
            cells: (1, N, K) or None; see ``Base.decode``.

        Returns:
            Decoded with B = 1, low-res frame.

        Raises:
            PromptError: the prompts hold masks, which this base does not take.
        """
        base, adapter = self.base, self.adapter
        if prompts.masks is not None and not base.takes_masks:
            raise PromptError(f"The base {base.name!r} does not take mask prompts.", "Give points or boxes.")
        tensors = PromptTensors.of(prompts, image.frame, base.device)
        sparse, dense = base.embed_prompts(tensors)
        if adapter is None:
            return base.decode(image.embeddings, sparse, dense, masks, cells)
        masks = adapter.mask_token if masks == "single" else masks
        new = adapter.changes(sparse, image.embeddings, base.image_positions(), base.token_kinds(tensors))
        return base.decode(new.embeddings, new.sparse, dense, masks, cells, new.decoder, new.steering)

    @torch.inference_mode()
    def answer(self, image: EmbeddedImage, prompts: Prompts, masks: MaskChoice = "single") -> Iterator[Answer]:
        """Decode N prompts in small groups, so that memory does not grow with N; arguments as in ``decode``."""
        frame = image.frame
        most = MASK_BYTES // (4 * frame.width * frame.height)
        size = max(1, min(CHUNK.get(self.base.device.type, 64), most))
        for start in range(0, len(prompts), size):
            rows = slice(start, min(start + size, len(prompts)))
            decoded = self.decode(image, prompts[rows], masks)
            logits = decoded.logits[0].float()
            yield Answer(rows, _image_masks(logits, frame), decoded.iou[0].float().cpu().numpy(), logits.cpu().numpy())


def _image_masks(logits: Tensor, frame: Frame) -> np.ndarray:
    """Convert logits to masks (n, M, H, W), one at a time: a float mask of a large photo takes hundreds of MB."""
    n, m = logits.shape[:2]
    masks = np.empty((n, m, frame.height, frame.width), dtype=bool)
    for i in range(n):
        for j in range(m):
            masks[i, j] = (frame.logits_to_image(logits[i : i + 1, j : j + 1]) > 0)[0, 0].cpu().numpy()
    return masks
