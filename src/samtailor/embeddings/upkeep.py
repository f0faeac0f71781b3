"""List the entries of an embedding cache folder and remove old ones."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypedDict

from samtailor.embeddings.entry import DamagedEntryError, read_metadata
from samtailor.errors import CacheError
from samtailor.machine.files import HOUR, is_stale

__all__ = ["DAY", "HOUR", "SUFFIX", "BaseStats", "Entry", "prune", "remove", "remove_temporary", "scan", "stats"]

SUFFIX = ".safetensors"
DAY = 24 * HOUR

# Only names that the cache writes, so that a user's own files stay if the root contains any.
_FOLDER = re.compile(r"[\w.-]{1,16}-(float16|float32)")


class BaseStats(TypedDict):
    """Entries of one base in the cache; ``base`` is its name, empty if no entry names it."""

    folder: str
    base: str
    fingerprint: str
    dtype: str
    entries: int
    bytes: int


class Entry(NamedTuple):
    """A file of the cache; ``used`` is the time of its last use, in seconds since the epoch, exact to an hour."""

    path: Path
    bytes: int
    used: float


def scan(root: Path) -> list[Entry]:
    """List all entries of all bases, least recently used first."""
    return _oldest_first(_folders(root))


def stats(root: Path) -> list[BaseStats]:
    """Count entries and bytes of each base, in order of folder; empty if there is no cache."""
    rows: list[BaseStats] = []
    for folder in _folders(root):
        entries = list(_entries(folder))
        if not entries:
            continue
        prefix, dtype = folder.name.rsplit("-", 1)
        metadata = _metadata(entries)
        rows.append(
            BaseStats(
                folder=folder.name,
                base=metadata.get("base", ""),
                fingerprint=metadata.get("fingerprint", prefix),
                dtype=dtype,
                entries=len(entries),
                bytes=sum(entry.bytes for entry in entries),
            )
        )
    return rows


def prune(
    root: Path,
    max_bytes: int | None = None,
    older_than_days: float | None = None,
    base: str | None = None,
    everything: bool = False,
) -> tuple[int, int]:
    """Do the work of ``EmbeddingCache.prune`` for the cache in ``root``."""
    for name, value in (("max_bytes", max_bytes), ("older_than_days", older_than_days)):
        if value is not None and not value >= 0:
            raise CacheError(f"{name} is {value}; expected 0 or more.", "Give a number of 0 or more.")
    folders = _folders(root) if base is None else _folders_of(root, base)
    now = time.time()
    entries = _oldest_first(folders)
    total = sum(entry.bytes for entry in entries)
    removed = freed = 0
    for entry in entries:
        too_old = older_than_days is not None and entry.used < now - older_than_days * DAY
        too_much = max_bytes is not None and total > max_bytes
        if everything or too_old or too_much:
            remove(entry.path)
            total -= entry.bytes
            removed, freed = removed + 1, freed + entry.bytes
    return removed, freed + sum(remove_temporary(folder) for folder in folders)


def remove_temporary(folder: Path) -> int:
    """Remove temporary files that killed processes left in the folder of a base; return how many bytes that freed.

    Raises:
        CacheError: one cannot be removed.
    """
    freed = 0
    for temporary in _files(folder, ".*.tmp"):
        if is_stale(temporary.path):
            remove(temporary.path)
            freed += temporary.bytes
    return freed


def remove(path: Path) -> None:
    """Remove a file of the cache; it is no error if another process has removed it.

    Raises:
        CacheError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(
            f"The cache file {path} cannot be removed ({error.strerror or error}).",
            "Run this as a user with write access to the folder.",
        ) from error


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if _FOLDER.fullmatch(path.name) and path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CacheError(
            f"The embedding cache {root} cannot be read ({error.strerror or error}).",
            "Make the folder readable, or choose another with `--cache DIR` or SAMTAILOR_CACHE.",
        ) from error


def _folders_of(root: Path, base: str) -> list[Path]:
    folders = [folder for folder in _folders(root) if _is_of_base(folder, base)]
    if not folders:
        known = ", ".join(f"{row['base'] or '?'} ({row['folder']})" for row in stats(root)) or "none"
        raise CacheError(
            f"The cache {root} has no entries of base {base!r}; its bases are: {known}.", "Choose one of its bases."
        )
    return folders


def _is_of_base(folder: Path, base: str) -> bool:
    prefix = folder.name.rsplit("-", 1)[0]
    if base in (folder.name, prefix) or (len(base) >= 8 and prefix.startswith(base[:16])):
        return True
    return bool(base) and _metadata(_entries(folder)).get("base") == base


def _oldest_first(folders: Iterable[Path]) -> list[Entry]:
    return sorted((entry for folder in folders for entry in _entries(folder)), key=lambda entry: entry.used)


def _entries(folder: Path) -> Iterator[Entry]:
    return (entry for entry in _files(folder, f"*{SUFFIX}") if entry.path.parent.name == entry.path.stem[:2])


def _files(folder: Path, pattern: str) -> Iterator[Entry]:
    for path in folder.glob(f"*/{pattern}"):
        with suppress(OSError):  # another process may have removed it
            stat = path.stat()
            yield Entry(path, stat.st_size, stat.st_mtime)


def _metadata(entries: Iterable[Entry]) -> dict[str, str]:
    """Read the metadata of the first readable entry among the first eight; empty if there is none."""
    for entry, _ in zip(entries, range(8), strict=False):
        with suppress(OSError, DamagedEntryError), entry.path.open("rb") as file:
            return read_metadata(file.read(1 << 16))
    return {}
