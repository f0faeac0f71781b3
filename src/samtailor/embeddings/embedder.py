"""Get embeddings of images on the base's device, through the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.bases.base import Base, Embeddings
from samtailor.data.pixels.images import image_key
from samtailor.data.task import ImageRecord
from samtailor.embeddings.reading import ReadPicture, read_as, read_picture
from samtailor.embeddings.store import EmbeddingStore
from samtailor.frames import Frame

__all__ = ["EmbeddedImage", "Embedder"]


@dataclass(frozen=True)
class EmbeddedImage:
    """An image with its embeddings by one base.

    Attributes:
        frame: placement of the image in the base's input.
        embeddings: named tensors (1, ...), float32, on the base's device.
        fingerprint: of the base; empty if it is not known.
    """

    frame: Frame
    embeddings: Embeddings
    fingerprint: str = ""


class Embedder:
    """Gets the embeddings of images; the encoder runs only for images that are not in the cache."""

    def __init__(self, base: Base, cache: EmbeddingStore) -> None:
        self.base = base
        self.cache = cache
        self._keys: dict[Path, str] = {}

    def open(self, record: ImageRecord) -> EmbeddedImage:
        """Embed an image of a task.

        Raises:
            CacheError: the cache cannot be written.
            ImageError: the file cannot be read, or another image has replaced it since it was first opened.
        """
        key = self._keys.get(record.path)
        if key is None:
            key = self._keys[record.path] = image_key(record.path)
        tensors = self.cache.embed(self.base, key, lambda: read_as(record.path, key))
        return self._embedded(record.width, record.height, tensors)

    def open_picture(self, image: str | Path | Image.Image | np.ndarray) -> EmbeddedImage:
        """Embed a user's image. If the cache cannot be written, this logs a warning and continues.

        The embedding of a file is stored in the cache; that of an array or a Pillow image stays in memory.

        Args:
            image: a path, a PIL image, or an array: (H, W) or (H, W, 3 or 4), uint8, uint16, or float in 0..1.

        Raises:
            ImageError: it cannot be read or is not an image.
        """
        store = self.cache.pictures if isinstance(image, np.ndarray | Image.Image) else self.cache
        return self.embed_picture(read_picture(image), store)

    def embed_picture(self, picture: ReadPicture, store: EmbeddingStore | None = None) -> EmbeddedImage:
        """Embed a picture that was read already. If the store cannot be written, this logs a warning and continues.

        Args:
            picture: pixels and their key.
            store: where the embedding is kept; None for the store of files.
        """
        tensors = (store or self.cache).embed(self.base, picture.key, lambda: picture.pixels, strict=False)
        return self._embedded(picture.pixels.shape[1], picture.pixels.shape[0], tensors)

    def _embedded(self, width: int, height: int, tensors: Embeddings) -> EmbeddedImage:
        on_device = {name: tensor[None].to(self.base.device) for name, tensor in tensors.items()}
        return EmbeddedImage(self.base.frame(width, height), on_device, self.base.fingerprint)
