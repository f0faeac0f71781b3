"""Write files atomically: a reader sees the old content or the new content, never a part."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from samtailor.errors import SamtailorError

__all__ = [
    "HOUR",
    "append_json",
    "as_json",
    "flush",
    "is_stale",
    "remove_stale",
    "temporary_beside",
    "write_atomically",
    "write_json",
]

HOUR = 3600.0
_HOST = hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
_TEMPORARY = re.compile(r"\.(?:[\w.-]+\.)?(\d{1,10})\.([0-9a-f]{8})(?:[0-9a-f]{8})?\.tmp", re.ASCII)
_in_use: set[str] = set()  # temporary names of this process; its number alone may be that of a killed one


@contextmanager
def temporary_beside(target: Path, name: str = "") -> Iterator[Path]:
    """Yield the path of a temporary file in the folder of ``target``; it is removed at the end if it is still there.

    Its name says which process of which host writes it, so that ``is_stale`` can tell.

    Args:
        target: the file that it will replace.
        name: put in front of its name.
    """
    front = f".{name}." if name else "."
    path = target.with_name(f"{front}{os.getpid()}.{_HOST}{secrets.token_hex(4)}.tmp")
    _in_use.add(path.name)
    try:
        yield path
    finally:
        with suppress(OSError):  # it is there only after a failure or an interrupt
            path.unlink()
        _in_use.discard(path.name)


def is_stale(path: Path) -> bool:
    """Whether a file is a temporary one of ours that nobody writes any more.

    A file of a process of this host is stale when the process is gone; any other one after an hour.
    """
    match = _TEMPORARY.fullmatch(path.name)
    if match is None or path.name in _in_use:
        return False
    pid, host = int(match[1]), match[2]
    gone = host == _HOST and (pid == os.getpid() or not psutil.pid_exists(pid))
    try:
        return gone or path.stat().st_mtime < time.time() - HOUR
    except OSError:
        return False


def remove_stale(folder: Path) -> int:
    """Remove temporary files that killed processes left in a folder; return how many bytes that freed."""
    freed = 0
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            with suppress(OSError):
                if is_stale(path) and path.is_file() and not path.is_symlink():
                    size = path.stat().st_size
                    path.unlink()
                    freed += size
    return freed


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of ``path`` through a temporary file in the same folder; it survives a power cut.

    A link is followed and stays a link. A pipe or a device is written to, never replaced.

    Raises:
        SamtailorError: the folder is not writable, or the disk is full.
    """
    target = path.resolve() if path.is_symlink() else path
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # `target` of /dev/stdout may be no path
            path.write_bytes(content)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(target) as temporary:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            _sync_folder(target.parent)
    except OSError as error:
        raise SamtailorError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Choose a writable folder on a disk with free space.",
        ) from error


def flush(path: Path) -> None:
    """Make what was appended to a file survive a power cut; nothing happens if there is no such file."""
    with suppress(OSError), path.open("rb+") as file:
        os.fsync(file.fileno())
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Some systems cannot open a folder; there the rename is left to the system."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def append_json(path: Path, row: dict[str, Any]) -> None:
    """Append one line of JSON to a log.

    Raises:
        SamtailorError: the file is not writable, or the disk is full.
    """
    try:
        with path.open("a") as file:
            file.write(json.dumps(_plain(row), allow_nan=False) + "\n")
    except OSError as error:
        raise SamtailorError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Free space on the disk, then continue with --resume.",
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON. NaN and infinity become null, because standard JSON has neither."""
    write_atomically(path, (json.dumps(_plain(value), indent=2, allow_nan=False) + "\n").encode())


def as_json(value: Any) -> str:
    """Write ``value`` as JSON with line breaks, as ``write_json`` does."""
    return json.dumps(_plain(value), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
