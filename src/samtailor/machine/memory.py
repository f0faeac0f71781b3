"""Measure the memory of this process, and make the allocator keep freed memory."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil
import torch

__all__ = ["available_memory", "keep_freed_memory", "memory_limit", "peak_memory"]


def peak_memory(device: torch.device) -> int:
    """Return the peak memory in bytes: of the accelerator for CUDA, else the largest resident set of the process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_limit() -> int:
    """Return the bytes of memory that there are: of the machine, or of its container if that has less."""
    total = int(psutil.virtual_memory().total)
    limit = next((value for limit, _, _ in _CGROUPS if (value := _number(limit)) is not None), total)
    return min(total, limit)


def available_memory() -> int:
    """Return the bytes of memory that this process can still use, within the limit of its container if it has one."""
    free = int(psutil.virtual_memory().available)
    for limit, used, cached in _CGROUPS:
        numbers = _number(limit), _number(used)
        if numbers[0] is not None and numbers[1] is not None:
            return max(0, min(free, numbers[0] - (numbers[1] - _row(limit, cached))))  # the cache of files makes room
    return free


_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
"""Limit and use of a container's memory, and the row of ``memory.stat`` with its cache of files: version 2, then 1."""


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # no container, or one without a limit
        return None


def _row(beside: str, name: str) -> int:
    try:
        rows = (line.split() for line in (Path(beside).parent / "memory.stat").read_text().splitlines())
        return {key: int(value) for key, value in rows}[name]
    except (OSError, ValueError, KeyError):
        return 0


def keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of returning each to the kernel and requesting zeroed pages again.

    A decoder's activations are tens of megabytes each, and on a CPU the page faults cost a fifth of the time. With
    another C library this does nothing.
    """

    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # numbers from malloc.h
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)
    mallopt(top_pad, 64 << 20)
