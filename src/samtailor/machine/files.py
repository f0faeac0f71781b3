"""Write files atomically: a reader sees the old content or the new content, never a part."""

from __future__ import annotations

import json
import math
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from samtailor.errors import SamtailorError

__all__ = ["append_json", "flush", "write_atomically", "write_json"]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the content of ``path`` through a temporary file in the same folder; it survives a power cut.

    A link is followed and stays a link. A pipe or a device is written to, never replaced.

    Raises:
        SamtailorError: the folder is not writable, or the disk is full.
    """
    target = path.resolve() if path.is_symlink() else path
    temporary = target.with_name(f".{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(content)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
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
    finally:
        with suppress(OSError):
            temporary.unlink()


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


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
