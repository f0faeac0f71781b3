"""Forked processes that are killed, or that end by themselves."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

__all__ = ["CLEAN_ERROR", "RAW", "run", "run_and_kill"]

CLEAN_ERROR, RAW = 3, 4
"""Exit codes: a clean error, any other exception."""


def run(function: Callable[[], object], errors: Path | None = None) -> int:
    """Run a function in a forked process and return the exit code; a negative one is a signal."""
    return _wait(_start(function, errors), float("inf")) or 0


def run_and_kill(function: Callable[[], object], seconds: float) -> bool:
    """Run a function in a forked process and kill it after so many seconds; False if it had ended before."""
    pid = _start(function, None)
    if _wait(pid, seconds) is not None:
        return False
    os.kill(pid, signal.SIGKILL)
    _wait(pid, float("inf"))
    return True


def _start(function: Callable[[], object], errors: Path | None) -> int:
    from samtailor.errors import SamtailorError

    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = RAW
    try:
        function()
        code = 0
    except SamtailorError:
        code = CLEAN_ERROR
    except BaseException:
        if errors is not None:
            errors.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def _wait(pid: int, seconds: float) -> int | None:
    """Return the exit code, or None if the process still runs after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)
