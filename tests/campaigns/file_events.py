"""Watch what a process does with files, through Python's audit events, and interfere at one of these points."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["watch"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {"os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1, "os.link": 2}


def watch(folder: Path, act: Callable[[str, Path], None]) -> None:
    """Call ``act`` (event, path) before each change of a file below ``folder``, for the rest of this process.

    The events are ``open``, ``os.rename`` (of which the target is given), ``os.remove``, ``os.mkdir``, ``os.rmdir`` and
    ``os.fsync``. What ``act`` raises comes out of the call that would have made the change.
    """
    root, busy = str(folder), False

    def tell(event: str, path: Any) -> None:
        nonlocal busy
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if text.startswith(root) and not busy:
            busy = True
            try:
                act(event, Path(text))
            finally:
                busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING:
                tell(event, path)
        elif event in _PATHS:
            tell(event, arguments[_PATHS[event] - 1])

    real = os.fsync

    def fsync(handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        tell("os.fsync", path_of(number))
        real(number)

    os.fsync = fsync
    sys.addaudithook(hook)


def path_of(handle: int) -> str:
    """Return the path of an open file; empty where the system does not tell."""
    try:
        return str(Path(f"/proc/self/fd/{handle}").readlink())
    except OSError:
        return ""
