"""The contract of an embedding store: get and put by base and image, and ``embed`` for what is not there yet."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from samtailor.embeddings.encoder import Encoder, run_encoder
from samtailor.embeddings.entry import DTYPES, CacheDtype, EntryState, Shapes, as_float32, storable
from samtailor.errors import CacheError

__all__ = ["EmbeddingStore"]


class EmbeddingStore(abc.ABC):
    """Embeddings by base and image. ``EmbeddingCache`` keeps them on disk, ``MemoryCache`` in memory.

    Args:
        dtype: number type of stored values. An image whose values do not fit float16 is stored as float32.

    Raises:
        CacheError: ``dtype`` is unknown.
    """

    def __init__(self, dtype: CacheDtype) -> None:
        if dtype not in DTYPES:
            raise CacheError(f"Cache dtype is {dtype!r}; expected {' or '.join(DTYPES)}.", "Choose one of them.")
        self.dtype: CacheDtype = dtype

    @property
    def pictures(self) -> EmbeddingStore:
        """The store for arrays and Pillow images, which are often frames that nobody asks for again."""
        return self

    @abc.abstractmethod
    def has(self, base_fingerprint: str, key: str) -> bool:
        """Check whether an entry exists, without reading it."""

    @abc.abstractmethod
    def get(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> dict[str, Tensor] | None:
        """Read the embedding of one image, float32 on the CPU; None if there is no good entry.

        Args:
            base_fingerprint: of the base that computed it.
            key: hash of the image's content.
            shapes: name -> shape that the base's embeddings have; an entry of others is damaged. None: any.
        """

    @abc.abstractmethod
    def verify(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> EntryState:
        """Read and check an entry; arguments as in ``get``."""

    @abc.abstractmethod
    def put(
        self,
        base_fingerprint: str,
        key: str,
        tensors: Mapping[str, Tensor],
        size: tuple[int, int],
        base_name: str = "",
    ) -> None:
        """Store the embedding of one image and replace an existing entry.

        Args:
            base_fingerprint: of the base that computed it.
            key: hash of the image's content.
            tensors: named floating-point tensors of one image, without a batch axis, on any device.
            size: (W, H) of the image, pixels.
            base_name: shown by ``EmbeddingCache.stats``.

        Raises:
            CacheError: the folder is not writable, the disk or the limit is full, or a value is not finite.
        """

    def embed(
        self, base: Encoder, key: str, image_fn: Callable[[], np.ndarray], *, strict: bool = True
    ) -> dict[str, Tensor]:
        """Return the embedding of one image from the store; compute and store it if it is not there.

        Both ways return the same bits: a new embedding is rounded like a stored one.

        Args:
            base: the frozen base.
            key: hash of the image's content.
            image_fn: returns the image, (H, W, 3) uint8 RGB; called only if it must be encoded.
            strict: False to warn once instead of raising if the store cannot be written.

        Returns:
            Named tensors without a batch axis, float32 on the CPU.

        Raises:
            CacheError: as ``put``, if ``strict``; a value that is not finite always raises.
            BaseModelError: the encoder's output does not have the base's shapes.
        """
        cached = self.get(base.fingerprint, key, base.embedding_shapes())
        if cached is not None:
            return cached
        image = image_fn()
        rounded = storable(run_encoder(base, image), self.dtype)
        self._keep(base, key, rounded, (image.shape[1], image.shape[0]), strict)
        return as_float32(rounded)

    @abc.abstractmethod
    def _keep(self, base: Encoder, key: str, rounded: dict[str, Tensor], size: tuple[int, int], strict: bool) -> None:
        """Store an embedding that ``storable`` has rounded."""
