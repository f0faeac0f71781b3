"""The child's side of a campaign: try cases, and report each as a line of JSON."""

from __future__ import annotations

import json
import os
import resource
import shutil
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import psutil

from samtailor.errors import SamtailorError
from tests.campaigns.campaign import Campaign

__all__ = ["BROKEN", "MEMORY", "Line", "work_through"]

BROKEN = 70  # exit code if the campaign itself is wrong
MEMORY = 2 << 30
"""Bytes that a case may take."""


@dataclass(frozen=True)
class Line:
    """The connection with the parent: a pipe to it and a pipe from it."""

    to_parent: int
    from_parent: int

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        os.write(self.to_parent, json.dumps(message).encode() + b"\n")

    def wait(self) -> None:
        """Wait until the parent has heard the last message."""
        os.read(self.from_parent, 1)


def work_through(campaign: Campaign, folder: Path, numbers: range, seed: int, line: Line) -> NoReturn:
    """Try the cases and end the process. The parent kills it if a case goes over a limit."""
    try:
        errors = _own_streams(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if campaign.limit_address_space:
            limit = psutil.Process().memory_info().vms + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for number in numbers:
            line.say({"start": number})
            outcome = _attempt(campaign, folder / "case", number, seed)
            outcome["printed"] = _printed(errors)
            line.say(outcome)
            line.wait()
    except BaseException:
        traceback.print_exc()
        os._exit(BROKEN)
    os._exit(0)


def _attempt(campaign: Campaign, folder: Path, number: int, seed: int) -> dict[str, Any]:
    _empty(folder)
    group = campaign.case(number)
    _forget_peak()
    before = psutil.Process().memory_info().rss
    try:
        outcome = {"kind": "ok", "detail": campaign.attempt(group, Random(f"{seed} {group} {number}"), folder)[:200]}
    except SamtailorError as error:
        text = str(error)
        kind = "memory" if _is_memory(error) else "clean error"
        outcome = {"kind": kind, "detail": f"{type(error).__name__}: {text[:300]}", "length": len(text)}
    except BaseException as error:
        kind = "memory" if _is_memory(error) else "raw exception"
        outcome = {"kind": kind, "detail": f"{_place(error)} {type(error).__name__}: {str(error)[:200]}"}
    outcome["peak"] = max(0, _peak() - before)
    if outcome["peak"] > MEMORY:
        outcome["kind"], outcome["detail"] = "memory", f"{outcome['peak'] >> 20} MB; {outcome['detail']}"
    return outcome


def _is_memory(error: BaseException | None) -> bool:
    """Return True if memory ran out, also where another error says so."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(error: BaseException) -> str:
    """Return the line of the package that raised an error, and the last line below it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/samtailor/" in frame.filename and "/tests/" not in frame.filename]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*own[-1:], *frames[-1:])]
    return " <- ".join(dict.fromkeys(places))


def _own_streams(folder: Path) -> int:
    """Send stdout nowhere and stderr to a file; return the file."""
    errors = os.open(folder / "stderr.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(errors, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return errors


def _printed(errors: int) -> str:
    """Return what was written to stderr since the last call, up to 4,000 bytes."""
    text = os.pread(errors, 4000, 0).decode(errors="replace")
    os.ftruncate(errors, 0)
    return text


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _forget_peak() -> None:
    """Let Linux count the largest use of memory anew; elsewhere it is that of all cases so far."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
