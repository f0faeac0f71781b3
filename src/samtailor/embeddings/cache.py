"""The embedding cache: embeddings of a frozen encoder, computed once per image and kept on disk.

One safetensors file per image and base, without a batch axis:
``<root>/<fingerprint[:16]>-<dtype>/<key[:2]>/<key>.safetensors``. Entries are written atomically, carry a checksum, and
several processes may read and write them at once. docs/guides/cache.md explains the cache to users.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs
from torch import Tensor

from samtailor.embeddings import upkeep
from samtailor.embeddings.encoder import Encoder
from samtailor.embeddings.entry import (
    CacheDtype,
    DamagedEntryError,
    EntryState,
    Shapes,
    as_float32,
    pack,
    storable,
    unpack,
)
from samtailor.embeddings.memory import MemoryCache
from samtailor.embeddings.space import SizeLimit, write_error
from samtailor.embeddings.store import EmbeddingStore
from samtailor.embeddings.upkeep import HOUR, SUFFIX, BaseStats
from samtailor.errors import CacheError
from samtailor.machine.arguments import AnyPath, as_path
from samtailor.machine.files import temporary_beside

__all__ = ["BaseStats", "CacheDtype", "EmbeddingCache", "EntryState", "default_cache_root"]

PICTURE_BYTES = 64_000_000
"""Largest size of the embeddings of arrays and Pillow images, which stay in memory: about 30 for SAM."""

_NAME = re.compile(r"\w[\w.-]{1,127}", re.ASCII)
_logger = logging.getLogger(__name__)


def default_cache_root() -> Path:
    """Return ``SAMTAILOR_CACHE`` if it is set, else ``embeddings`` in the user's cache folder of samtailor."""
    folder = os.environ.get("SAMTAILOR_CACHE", "").strip()
    if folder:
        return Path(folder).expanduser()
    return Path(platformdirs.user_cache_dir("samtailor", appauthor=False)) / "embeddings"


class EmbeddingCache(EmbeddingStore):
    """Embeddings on disk, shared by fit, evaluate and predict, and by several processes.

    Arrays and Pillow images are not stored on disk: their embeddings stay in the memory of this object, up to 64 MB.

    Args:
        root: folder of the cache, created by the first write; None for the user's own: ``SAMTAILOR_CACHE`` if it is
            set, else a folder of the operating system.
        dtype: number type of stored values. An image whose values do not fit float16 is stored as float32.
        limit_bytes: maximum size of the cache. Entries unused for a day are removed to make room for new ones. If that
            is not enough, ``put`` raises, so that a running fit never loses entries that it needs next. None: 20 GB,
            or ``SAMTAILOR_CACHE_GB`` gigabytes, which the entries of the last day may exceed with a warning.

    Attributes:
        damaged: paths of damaged entries that this object has read, in order.

    Raises:
        CacheError: ``dtype`` or ``limit_bytes`` is invalid.
    """

    def __init__(
        self, root: AnyPath | None = None, dtype: CacheDtype = "float16", limit_bytes: int | None = None
    ) -> None:
        super().__init__(dtype)
        if limit_bytes is not None and limit_bytes <= 0:
            raise CacheError(
                f"Cache limit is {limit_bytes} bytes; expected more than 0, or None for the default.",
                "Raise the limit.",
            )
        self.root = default_cache_root() if root is None else as_path(root, "root")
        self.damaged: list[Path] = []
        self._limit = SizeLimit(self.root, limit_bytes)
        self._warned = False
        self._swept: set[Path] = set()
        self._pictures = MemoryCache(dtype, PICTURE_BYTES)

    @property
    def pictures(self) -> EmbeddingStore:
        return self._pictures

    def __repr__(self) -> str:
        return f"<EmbeddingCache in {str(self.root)!r}>"

    @property
    def limit_bytes(self) -> int:
        """Largest size of the folder."""
        return self._limit.limit_bytes

    def path(self, base_fingerprint: str, key: str) -> Path:
        """Return the path of an image's entry, whether it exists or not.

        Raises:
            CacheError: the fingerprint or the key cannot be part of a file name.
        """
        for name, value in (("fingerprint", base_fingerprint), ("key", key)):
            if not _NAME.fullmatch(value):
                raise CacheError(
                    f"Cache {name} is {value!r}; expected 2 to 128 letters, digits, '_', '-' or '.'.",
                    "Use the base's fingerprint and samtailor.data.pixels.images.image_key().",
                )
        return self.root / f"{base_fingerprint[:16]}-{self.dtype}" / key[:2] / f"{key}{SUFFIX}"

    def has(self, base_fingerprint: str, key: str) -> bool:
        """Check whether an entry exists and is not empty, without reading it."""
        try:
            return self.path(base_fingerprint, key).stat().st_size > 0
        except OSError:
            return False

    def get(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> dict[str, Tensor] | None:
        """Read the embedding of one image as ``EmbeddingStore.get`` does.

        A damaged entry is logged as a warning, added to ``damaged`` and removed.
        """
        return self._read(base_fingerprint, key, shapes)[1]

    def verify(self, base_fingerprint: str, key: str, shapes: Shapes | None = None) -> EntryState:
        """Read and check an entry; a damaged entry is treated as in ``get``."""
        return self._read(base_fingerprint, key, shapes)[0]

    def put(
        self,
        base_fingerprint: str,
        key: str,
        tensors: Mapping[str, Tensor],
        size: tuple[int, int],
        base_name: str = "",
    ) -> None:
        self._write(base_fingerprint, key, storable(tensors, self.dtype), size, base_name)

    def stats(self) -> list[BaseStats]:
        """Count entries and bytes of each base in the cache, in order of folder; empty if there is no cache.

        Raises:
            CacheError: the folder cannot be read.
        """
        return upkeep.stats(self.root)

    def prune(
        self,
        max_bytes: int | None = None,
        older_than_days: float | None = None,
        base: str | None = None,
        everything: bool = False,
    ) -> tuple[int, int]:
        """Remove entries, least recently used first, and temporary files that killed processes left.

        Without arguments, only temporary files older than an hour are removed.

        Args:
            max_bytes: keep at most this many bytes.
            older_than_days: remove entries that were not used for this many days.
            base: prune only one base: its name, its fingerprint, the first 8 or more letters of it, or its folder.
            everything: remove all entries; if ``base`` is set, all of that base.

        Returns:
            Entries removed, and bytes freed. Temporary files count as bytes, not as entries.

        Raises:
            CacheError: a number is negative, the cache has no such base, or a file cannot be removed.
        """
        self._limit.reset()
        return upkeep.prune(self.root, max_bytes, older_than_days, base, everything)

    def _read(self, fingerprint: str, key: str, shapes: Shapes | None) -> tuple[EntryState, dict[str, Tensor] | None]:
        path = self.path(fingerprint, key)
        try:
            tensors = unpack(path.read_bytes(), fingerprint, key, shapes)
        except (FileNotFoundError, NotADirectoryError):
            return "missing", None
        except OSError as error:
            # Permissions or too many open files: perhaps only for this process, so the entry is not removed.
            _logger.warning("Cache entry %s cannot be read (%s); it will be rebuilt.", path, error.strerror or error)
            return "missing", None
        except DamagedEntryError as error:
            _logger.warning("Cache entry %s is damaged (%s); it is removed and will be rebuilt.", path, error)
            self.damaged.append(path)
            with suppress(OSError):  # in a read-only cache the entry stays and is rejected again next time
                path.unlink()
            return "damaged", None
        with suppress(OSError):  # record the use, at most once an hour; a read-only cache must not fail here
            if time.time() - path.stat().st_mtime > HOUR:
                os.utime(path)
        return "good", as_float32(tensors)

    def _keep(self, base: Encoder, key: str, rounded: dict[str, Tensor], size: tuple[int, int], strict: bool) -> None:
        try:
            self._write(base.fingerprint, key, rounded, size, base.name)
        except CacheError as error:
            if strict:
                raise
            if not self._warned:
                self._warned = True
                _logger.warning("%s Continuing without storing; each such image is encoded again when needed.", error)

    def _write(
        self, fingerprint: str, key: str, tensors: Mapping[str, Tensor], size: tuple[int, int], base_name: str
    ) -> None:
        path = self.path(fingerprint, key)
        data = pack(fingerprint, key, tensors, size, base_name)
        self._limit.make_room(len(data))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep(path.parent.parent)
            # No fsync: if a power cut tears an entry, its checksum does not match and it is rebuilt.
            with temporary_beside(path, key) as temporary:
                with temporary.open("xb") as file:
                    file.write(data)
                temporary.replace(path)
        except OSError as error:
            raise write_error(self.root, error, len(data)) from error
        self._limit.add(len(data))

    def _sweep(self, folder: Path) -> None:
        """Before the first write into a base's folder, remove temporary files that killed processes left there."""
        if folder not in self._swept:
            self._swept.add(folder)
            with suppress(CacheError):
                upkeep.remove_temporary(folder)
