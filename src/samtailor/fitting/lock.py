"""One fit per run folder at a time: a lock that ends with its process, and the name of its holder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from samtailor.errors import FitError
from samtailor.machine.fields import FieldError, Fields, parse_object
from samtailor.machine.files import write_json
from samtailor.machine.progress import Note, Progress, silent

__all__ = ["locked"]

LOCK_FILE, HOLDER_FILE = ".fit.lock", ".fit.holder.json"


@contextmanager
def locked(folder: Path, progress: Progress = silent) -> Iterator[None]:
    """Hold the lock of a run folder; the system frees it when the process ends, however it ends.

    On a file system without locks, a note says so and the block runs without one.

    Raises:
        FitError: another fit holds the lock; the message names its process, its host and since when.
    """
    lock = _make_lock(folder / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise FitError(
            f"Another fit is writing to {folder}: {_holder(folder)}.", "Wait until it ends, or choose another folder."
        ) from error
    except (OSError, NotImplementedError) as error:
        progress(Note(f"{folder} cannot be locked ({error}): make sure that no other fit writes to it."))
        yield
        return
    try:
        write_json(folder / HOLDER_FILE, _myself())
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER_FILE).unlink()
        lock.release()


def _make_lock(path: Path) -> FileLock:
    options: dict[str, Any] = {"thread_local": False}
    try:
        # Since version 4, a file system without locks would get a file that stays if the process is killed.
        return FileLock(path, fallback_to_soft=False, **options)
    except TypeError:
        return FileLock(path, **options)


def _myself() -> dict[str, Any]:
    now = datetime.now().astimezone()
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{now:%Y-%m-%d %H:%M:%S}"}


def _holder(folder: Path) -> str:
    try:
        holder = Fields(parse_object((folder / HOLDER_FILE).read_bytes()))
        return f"process {holder.whole('pid')} on {holder.text('host')}, since {holder.text('since')}"
    except (OSError, FieldError):  # it has just started or is about to end
        return "another process"
