"""Base, adapter and embeddings as one model: prompts in, masks out. Adapters and bases are combined only here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from samtailor.adapters.contract import Adapter
from samtailor.adapters.full_size import mask_of, patch_of
from samtailor.adapters.io import fitting
from samtailor.adapters.ranking import ranking_of
from samtailor.bases.base import Base, Decoded, MaskChoice
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.steering import Steering
from samtailor.data.task import ImageRecord
from samtailor.embeddings.embedder import EmbeddedImage, Embedder
from samtailor.embeddings.opening import AnyCache, as_cache
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import AdapterError, PromptError
from samtailor.frames import Frame
from samtailor.machine.undisturbed import undisturbed, undisturbed_steps
from samtailor.metrics.patch import Patch
from samtailor.prompts import Prompts

__all__ = ["AdaptedModel", "Answer"]

CHUNK = {"cpu": 4}
"""Prompts decoded at once, by device. On a CPU, the image-sized activations of more prompts do not fit its caches."""


@dataclass(frozen=True)
class Answer:
    """Masks of some prompts on one image. Each mask at the size of the image is made when it is asked for, not before.

    Attributes:
        rows: positions of these prompts among all N.
        iou: (n, M) float32, the score of each mask: the model's own estimate. If the trained mask is among several,
            the others' are corrected (``samtailor.adapters.ranking``), so that the trained mask has the highest.
        estimates: (n, M) float32, the model's own estimates without corrections.
        low_res: (n, M, 4h, 4w) float32 on the CPU: logits in the low-res frame.
        frame: of the image.
        trained: M flags: which mask the adapter was trained for; all False for the base alone.
    """

    rows: slice
    iou: np.ndarray
    estimates: np.ndarray
    low_res: Tensor
    frame: Frame
    trained: tuple[bool, ...]

    @property
    def logits(self) -> np.ndarray:
        """(n, M, 4h, 4w) float32, low-res frame."""
        return self.low_res.numpy()

    @undisturbed()
    def mask(self, prompt: int, mask: int = 0, out: np.ndarray | None = None) -> np.ndarray:
        """Make one mask, (H, W) bool, image frame.

        Args:
            prompt: its position within this answer.
            mask: which of its masks.
            out: (H, W) bool of zeros to write into; None makes a new array.
        """
        return mask_of(self.low_res[prompt, mask], self.frame, out)

    @undisturbed()
    def patch(self, prompt: int, mask: int = 0) -> Patch:
        """Make one mask, cut to a window that holds its foreground: much faster and smaller than ``mask``."""
        return patch_of(self.low_res[prompt, mask], self.frame)


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
    def of(cls, base: Base, adapter: Adapter | None = None, cache: AnyCache = None) -> AdaptedModel:
        """Build a model.

        Args:
            base: the base.
            adapter: None for the base alone.
            cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.

        Raises:
            AdapterError: the adapter was built for another base.
        """
        return cls(Embedder(base, as_cache(cache)), None if adapter is None else fitting(adapter, base))

    @property
    def base(self) -> Base:
        return self.embedder.base

    @property
    def cache(self) -> EmbeddingStore:
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

    @property
    def reads_words(self) -> bool:
        """Whether prompts may have words."""
        return self.adapter is not None and self.adapter.reads_words

    def check_reads_words(self) -> None:
        """Check that prompts may have words.

        Raises:
            PromptError: they may not.
        """
        if not self.reads_words:
            what = "base alone" if self.adapter is None else f"adapter, of the method {self.adapter.method!r},"
            raise PromptError(
                f"A prompt has a word, but the {what} reads none.",
                "Prompt with clicks or boxes, or fit an adapter with --method words and use that.",
            )

    def readable(self, prompts: Prompts) -> Prompts:
        """Return prompts that this model reads: without words if it reads none."""
        return prompts if self.reads_words else prompts.without_words()

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
            PromptError: the prompts hold masks, which this base does not take, or words, which the model does not read.
        """
        base, adapter = self.base, self.adapter
        if prompts.masks is not None and not base.takes_masks:
            raise PromptError(f"The base {base.name!r} does not take mask prompts.", "Give points or boxes.")
        if prompts.have_words:
            self.check_reads_words()
        tensors = PromptTensors.of(prompts, image.frame, base.device)
        sparse, dense = base.embed_prompts(tensors)
        if adapter is None:
            return base.decode(image.embeddings, sparse, dense, masks, cells)
        masks = adapter.mask_token if masks == "single" else masks
        new = adapter.changes(sparse, image.embeddings, base.image_positions(), base.token_kinds(tensors))
        steering = new.steering
        if tensors.words is not None:
            steering = replace(steering or Steering(), words=adapter.read_words(tensors.words))
        return base.decode(new.embeddings, new.sparse, dense, masks, cells, new.decoder, steering)

    @undisturbed_steps
    @torch.inference_mode()
    def answer(self, image: EmbeddedImage, prompts: Prompts, masks: MaskChoice = "single") -> Iterator[Answer]:
        """Decode N prompts in small groups, so that memory does not grow with N; arguments as in ``decode``.

        With an adapter, ``multi`` answers with the trained mask first, then the alternatives of the base's decoder;
        these are four masks for SAM if the trained mask is the single one. No score is above that of the trained mask.
        """
        frame = image.frame
        ranking = ranking_of(self.adapter, masks, self.base.mask_tokens)
        size = CHUNK.get(self.base.device.type, 64)
        for start in range(0, len(prompts), size):
            rows = slice(start, min(start + size, len(prompts)))
            decoded = self.decode(image, prompts[rows], ranking.decoded)
            logits = decoded.logits[0, :, ranking.rows].float().cpu()
            estimates = decoded.iou[0, :, ranking.rows].float().cpu().numpy()
            yield Answer(rows, ranking.scores(estimates), estimates, logits, frame, ranking.trained)
