"""Disk space of the embedding cache: its size limit, and errors for a full or read-only disk."""

from __future__ import annotations

import errno
import logging
import math
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from samtailor.embeddings import upkeep
from samtailor.embeddings.upkeep import DAY
from samtailor.errors import CacheError

__all__ = ["DEFAULT_LIMIT_BYTES", "SizeLimit", "default_limit", "write_error"]

DEFAULT_LIMIT_BYTES = 20_000_000_000
"""About 9,500 images of SAM. ``SAMTAILOR_CACHE_GB`` sets another number of gigabytes."""

RESCAN = 500
"""Entries written between two looks at the folder, because other processes write too."""

_logger = logging.getLogger(__name__)

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def default_limit() -> int:
    """Return the size in ``SAMTAILOR_CACHE_GB`` if it is set, else 20 GB.

    Raises:
        CacheError: the variable is not a number above 0.
    """
    text = os.environ.get("SAMTAILOR_CACHE_GB", "").strip()
    if not text:
        return DEFAULT_LIMIT_BYTES
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not 0 < size < 1e9:
        raise CacheError(f"SAMTAILOR_CACHE_GB is {text!r}; expected a number of gigabytes above 0.", "Correct it.")
    return int(size * 1e9)


class SizeLimit:
    """Keeps the cache in ``root`` below ``limit_bytes``: entries not used for a day make room, the oldest first.

    Args:
        root: the folder of the cache.
        limit_bytes: the limit; an error is raised if entries of the last day alone exceed it. None: the default limit,
            which these entries may exceed with a warning, so that a fit on many images is never refused.
    """

    def __init__(self, root: Path, limit_bytes: int | None) -> None:
        self.root, self.limit_bytes = root, default_limit() if limit_bytes is None else limit_bytes
        self._strict = limit_bytes is not None
        self._used_bytes: int | None = None  # an estimate, because other processes write too; None if unknown
        self._writes = 0
        self._warned = False

    def make_room(self, needed_bytes: int) -> None:
        """Remove entries that were not used for a day until ``needed_bytes`` fit.

        Raises:
            CacheError: there is not enough room without entries that were used in the last day.
        """
        limit = self.limit_bytes
        if self._writes % RESCAN and self._used_bytes is not None and self._used_bytes + needed_bytes <= limit:
            return
        if self._warned and self._writes % RESCAN:  # over the limit, as the warning said
            return
        entries = upkeep.scan(self.root)
        used_bytes = sum(entry.bytes for entry in entries)
        if used_bytes + needed_bytes > limit:
            cutoff = time.time() - DAY
            for entry in entries:  # free a tenth more than needed, so that the next writes need not scan again
                if entry.used > cutoff or used_bytes + needed_bytes <= 0.9 * limit:
                    break
                upkeep.remove(entry.path)
                used_bytes -= entry.bytes
        self._used_bytes = used_bytes
        if used_bytes + needed_bytes <= limit:
            return
        if self._strict:
            raise CacheError(
                f"The embedding cache {self.root} is at its limit of {_readable(limit)}: the next entry needs"
                f" {_readable(needed_bytes)}, and the entries used in the last day, which are kept, take"
                f" {_readable(used_bytes)}.",
                "Raise the limit, or free space with `samtailor cache --prune --max-gb N`.",
            )
        if not self._warned:
            self._warned = True
            _logger.warning(
                "The embedding cache %s grows beyond %s, because the entries used in the last day need it. Set another"
                " limit with SAMTAILOR_CACHE_GB, or free space with `samtailor cache --prune --max-gb N`.",
                self.root,
                _readable(limit),
            )

    def add(self, written_bytes: int) -> None:
        """Count a written entry."""
        self._writes += 1
        if self._used_bytes is not None:
            self._used_bytes += written_bytes

    def reset(self) -> None:
        """Forget the estimate, because entries were removed."""
        self._used_bytes = None


def write_error(root: Path, error: OSError, needed_bytes: int) -> CacheError:
    """Build the error for an entry of ``needed_bytes`` that cannot be written to the cache in ``root``."""
    elsewhere = "choose another folder with `--cache DIR` or SAMTAILOR_CACHE"
    if error.errno in _DISK_FULL:
        return CacheError(
            f"The disk of the embedding cache {root} is full: the next entry needs {_readable(needed_bytes)},"
            f" {_free_space(root)}. Entries already stored are kept.",
            f"Free space with `samtailor cache --prune --max-gb N`, or {elsewhere}.",
        )
    return CacheError(
        f"The embedding cache {root} cannot be written ({error.strerror or error}); expected a writable folder."
        " Entries already stored are kept.",
        f"Make the folder writable, or {elsewhere}.",
    )


def _readable(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _free_space(root: Path) -> str:
    for folder in (root, *root.parents):
        with suppress(OSError):
            return f"{_readable(shutil.disk_usage(folder).free)} are free"
    return "free space is unknown"
