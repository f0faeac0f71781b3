"""The embedding cache: what a frozen encoder says of an image, computed once and kept on disk.

One safetensors file per image and base, without a batch axis:
``<root>/<fingerprint[:16]>-<dtype>/<key[:2]>/<key>.safetensors``. Entries appear whole or not at all, carry a
checksum, and may be read and written by several processes at once. docs/guides/cache.md tells the user's side.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import platformdirs
import torch
from torch import Tensor

from samtailor.embeddings import upkeep as cache_upkeep
from samtailor.embeddings.entry import DTYPES, DamagedEntryError, as_float32, pack, storable, unpack
from samtailor.embeddings.upkeep import DAY, HOUR, SUFFIX, BaseStats
from samtailor.errors import BaseModelError, CacheError

__all__ = [
    "BaseStats",
    "CacheDtype",
    "EmbeddingCache",
    "Encoder",
    "EntryState",
    "default_cache_root",
    "run_encoder",
]

CacheDtype = Literal["float16", "float32"]
EntryState = Literal["good", "missing", "damaged"]

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NAME = re.compile(r"\w[\w.-]{1,127}", re.ASCII)
_logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """The part of a base (``samtailor.bases.base.Base``) that the cache needs."""

    name: str
    fingerprint: str

    def encode(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Embed B images, each (H, W, 3) uint8 RGB; named tensors whose first axis is B."""


def default_cache_root() -> Path:
    """``SAMTAILOR_CACHE`` where it is set, else ``embeddings`` in the user's cache folder of samtailor."""
    chosen = os.environ.get("SAMTAILOR_CACHE", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("samtailor", appauthor=False)) / "embeddings"


def run_encoder(base: Encoder, images: Sequence[np.ndarray]) -> list[dict[str, Tensor]]:
    """Run the encoder without gradients and split its output by image.

    Args:
        base: the frozen base.
        images: B arrays, each (H, W, 3) uint8 RGB.

    Returns:
        One dict of named tensors per image, without the batch axis, on the base's device.

    Raises:
        BaseModelError: the encoder's answer does not have B rows.
    """
    with torch.no_grad():
        embeddings = base.encode(images)
    shapes = {name: tuple(tensor.shape) for name, tensor in embeddings.items()}
    if not shapes or any(shape[:1] != (len(images),) for shape in shapes.values()):
        raise BaseModelError(
            f"Base {base.name!r} answered {len(images)} image(s) with {shapes}; the first axis must be {len(images)}.",
            "Mend its encode(); samtailor/bases/base.py says what it returns.",
        )
    return [{name: tensor[row] for name, tensor in embeddings.items()} for row in range(len(images))]


class EmbeddingCache:
    """Embeddings on disk, shared by fit, evaluate, predict and by several processes.

    Args:
        root: folder of the cache, made when first written; None for ``default_cache_root()``.
        dtype: how numbers are stored. An image whose values do not fit float16 is stored as float32.
        limit_bytes: the most bytes to keep. Entries unused for a day make room for new ones; where that is not
            enough, ``put`` raises, so that a running fit never loses the entries it is about to read.

    Attributes:
        damaged: paths of entries that this object found damaged, in order of finding.

    Raises:
        CacheError: ``dtype`` or ``limit_bytes`` is not usable.
    """

    def __init__(self, root: Path | None = None, dtype: CacheDtype = "float16", limit_bytes: int | None = None) -> None:
        if dtype not in DTYPES:
            raise CacheError(f"Cache dtype is {dtype!r}; expected one of {', '.join(DTYPES)}.")
        if limit_bytes is not None and limit_bytes <= 0:
            raise CacheError(f"Cache limit is {limit_bytes} bytes; expected more than 0, or None for no limit.")
        self.root = default_cache_root() if root is None else Path(root).expanduser()
        self.dtype: CacheDtype = dtype
        self.limit_bytes = limit_bytes
        self.damaged: list[Path] = []
        self._used_bytes: int | None = None  # an estimate; other processes write too
        self._warned = False

    def path(self, base_fingerprint: str, key: str) -> Path:
        """Where the entry of one image is, or would be.

        Raises:
            CacheError: the fingerprint or the key cannot be part of a file name.
        """
        for what, value in (("fingerprint", base_fingerprint), ("key", key)):
            if not _NAME.fullmatch(value):
                raise CacheError(
                    f"Cache {what} is {value!r}; expected 2 to 128 letters, digits, '_', '-' or '.'.",
                    "Use the base's fingerprint and samtailor.data.pixels.images.image_key().",
                )
        return self.root / f"{base_fingerprint[:16]}-{self.dtype}" / key[:2] / f"{key}{SUFFIX}"

    def has(self, base_fingerprint: str, key: str) -> bool:
        """Whether an entry exists and is not empty; cheap, does not look inside."""
        try:
            return self.path(base_fingerprint, key).stat().st_size > 0
        except OSError:
            return False

    def get(self, base_fingerprint: str, key: str) -> dict[str, Tensor] | None:
        """The embedding of one image, float32 on the CPU, or None where it must be computed.

        A damaged entry is warned of, added to ``damaged`` and removed, and None is returned.
        """
        return self._find(base_fingerprint, key)[1]

    def verify(self, base_fingerprint: str, key: str) -> EntryState:
        """Read an entry and compare its checksum; a damaged one is treated as in ``get``."""
        return self._find(base_fingerprint, key)[0]

    def put(
        self,
        base_fingerprint: str,
        key: str,
        tensors: Mapping[str, Tensor],
        size: tuple[int, int],
        base_name: str = "",
    ) -> None:
        """Store the embedding of one image; an entry that is there already is replaced.

        Args:
            base_fingerprint: of the base that made it.
            key: of the image's content.
            tensors: named floating-point tensors of one image, without a batch axis, on any device.
            size: (W, H) of the image, pixels.
            base_name: shown by ``stats``.

        Raises:
            CacheError: the folder cannot be written, the disk or the limit is full, or a value is not finite.
        """
        self._store(base_fingerprint, key, storable(tensors, self.dtype), size, base_name)

    def embed(
        self, base: Encoder, key: str, image_fn: Callable[[], np.ndarray], *, strict: bool = True
    ) -> dict[str, Tensor]:
        """The embedding of one image: from the cache, else computed and stored.

        Both ways give the same bits: a fresh embedding is rounded as the stored one is.

        Args:
            base: the frozen base.
            key: of the image's content.
            image_fn: called only when the image must be encoded; returns (H, W, 3) uint8 RGB.
            strict: False to warn once, not raise, when the cache cannot be written.

        Returns:
            Named tensors without a batch axis, float32 on the CPU.

        Raises:
            CacheError: as ``put``, with ``strict``; a value that is not finite raises in both cases.
            BaseModelError: the encoder's answer does not have one row.
        """
        found = self.get(base.fingerprint, key)
        if found is not None:
            return found
        image = image_fn()
        stored = storable(run_encoder(base, [image])[0], self.dtype)
        try:
            self._store(base.fingerprint, key, stored, (image.shape[1], image.shape[0]), base.name)
        except CacheError as error:
            if strict:
                raise
            if not self._warned:
                self._warned = True
                _logger.warning("%s Going on without storing; such images are encoded again when needed.", error)
        return as_float32(stored)

    def stats(self) -> list[BaseStats]:
        """Entries and bytes of each base in the cache, in order of folder; empty without a cache.

        Raises:
            CacheError: the folder cannot be read.
        """
        return cache_upkeep.stats(self.root)

    def prune(
        self,
        max_bytes: int | None = None,
        older_than_days: float | None = None,
        base: str | None = None,
        everything: bool = False,
    ) -> tuple[int, int]:
        """Remove entries, least recently used first, and what killed processes left behind.

        Without arguments only left-over temporary files (older than an hour) go.

        Args:
            max_bytes: keep at most this many bytes.
            older_than_days: remove entries that were not used for so long.
            base: look only at one base: its name, its fingerprint or 8 and more first letters of it, or its folder.
            everything: remove all entries (of ``base``, where it is given).

        Returns:
            Entries removed, and bytes freed (temporary files count as bytes, not as entries).

        Raises:
            CacheError: a number is negative, no such base is in the cache, or a file cannot be removed.
        """
        self._used_bytes = None
        return cache_upkeep.prune(self.root, max_bytes, older_than_days, base, everything)

    def _find(self, fingerprint: str, key: str) -> tuple[EntryState, dict[str, Tensor] | None]:
        path = self.path(fingerprint, key)
        try:
            tensors = unpack(path.read_bytes(), fingerprint, key)
        except (FileNotFoundError, NotADirectoryError):
            return "missing", None
        except OSError as error:
            # Perhaps only now and only for this process (permissions, too many open files): not ours to remove.
            _logger.warning("Cache entry %s cannot be read (%s); it will be rebuilt.", path, error.strerror or error)
            return "missing", None
        except DamagedEntryError as error:
            _logger.warning("Cache entry %s is damaged (%s); it is removed and will be rebuilt.", path, error)
            self.damaged.append(path)
            with suppress(OSError):  # a read-only cache: the entry stays, and is refused again next time
                path.unlink()
            return "damaged", None
        with suppress(OSError):  # note the use, at most once an hour; a read-only cache must not fail here
            if time.time() - path.stat().st_mtime > HOUR:
                os.utime(path)
        return "good", as_float32(tensors)

    def _store(
        self, fingerprint: str, key: str, tensors: Mapping[str, Tensor], size: tuple[int, int], base_name: str
    ) -> None:
        path = self.path(fingerprint, key)
        data = pack(fingerprint, key, tensors, size, base_name)
        self._make_room(len(data))
        temp = path.parent / f".{key}.{os.getpid()}.{secrets.token_hex(8)}.tmp"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # No fsync: an entry that a power cut tears fails its checksum and is rebuilt.
            with temp.open("xb") as file:
                file.write(data)
            temp.replace(path)
        except OSError as error:
            raise self._write_error(error, len(data)) from error
        finally:
            with suppress(OSError):  # gone after the replace; there only after a failure or an interrupt
                temp.unlink()
        if self._used_bytes is not None:
            self._used_bytes += len(data)

    def _make_room(self, need: int) -> None:
        limit = self.limit_bytes
        if limit is None or (self._used_bytes is not None and self._used_bytes + need <= limit):
            return
        entries = cache_upkeep.scan(self.root)
        used = sum(entry.bytes for entry in entries)
        if used + need > limit:
            cutoff = time.time() - DAY
            for entry in entries:  # a tenth more than needed, so that not every put has to look again
                if entry.used > cutoff or used + need <= 0.9 * limit:
                    break
                cache_upkeep.remove(entry.path)
                used -= entry.bytes
        self._used_bytes = used
        if used + need > limit:
            raise CacheError(
                f"The embedding cache {self.root} is at its limit of {_human(limit)}: the next entry needs"
                f" {_human(need)}, and {_human(used)} were used in the last day and are kept.",
                "Raise the limit, or free space with `samtailor cache --prune --max-gb N`.",
            )

    def _write_error(self, error: OSError, need: int) -> CacheError:
        elsewhere = "choose another folder with `--cache DIR` or SAMTAILOR_CACHE"
        if error.errno in _FULL:
            return CacheError(
                f"The disk of the embedding cache {self.root} is full: the next entry needs {_human(need)},"
                f" {_free(self.root)}. Entries already stored are kept.",
                f"Free space with `samtailor cache --prune --max-gb N`, or {elsewhere}.",
            )
        return CacheError(
            f"The embedding cache {self.root} cannot be written ({error.strerror or error});"
            " expected a folder where files can be made. Entries already stored are kept.",
            f"Make the folder writable, or {elsewhere}.",
        )


def _human(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _free(root: Path) -> str:
    for folder in (root, *root.parents):
        with suppress(OSError):
            return f"{_human(shutil.disk_usage(folder).free)} are free"
    return "free space is unknown"
