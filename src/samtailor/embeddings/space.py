"""Disk space of the embedding cache: its size limit, and errors for a full or read-only disk."""

from __future__ import annotations

import errno
import shutil
import time
from contextlib import suppress
from pathlib import Path

from samtailor.embeddings import upkeep
from samtailor.embeddings.upkeep import DAY
from samtailor.errors import CacheError

__all__ = ["SizeLimit", "write_error"]

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class SizeLimit:
    """Keeps the cache in ``root`` below ``limit_bytes``; None is no limit."""

    def __init__(self, root: Path, limit_bytes: int | None) -> None:
        self.root, self.limit_bytes = root, limit_bytes
        self._used_bytes: int | None = None  # an estimate, because other processes write too; None if unknown

    def make_room(self, needed_bytes: int) -> None:
        """Remove entries that were not used for a day until ``needed_bytes`` fit.

        Raises:
            CacheError: there is not enough room without entries that were used in the last day.
        """
        limit = self.limit_bytes
        if limit is None or (self._used_bytes is not None and self._used_bytes + needed_bytes <= limit):
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
        if used_bytes + needed_bytes > limit:
            raise CacheError(
                f"The embedding cache {self.root} is at its limit of {_readable(limit)}: the next entry needs"
                f" {_readable(needed_bytes)}, and the entries used in the last day, which are kept, take"
                f" {_readable(used_bytes)}.",
                "Raise the limit, or free space with `samtailor cache --prune --max-gb N`.",
            )

    def add(self, written_bytes: int) -> None:
        """Count a written entry."""
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
