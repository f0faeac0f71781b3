"""Measure the memory of this process, and make the allocator keep freed memory."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil
import torch

__all__ = ["available_memory", "keep_freed_memory", "peak_memory"]


def peak_memory(device: torch.device) -> int:
    """Return the peak memory in bytes: of the accelerator for CUDA, else the largest resident set of the process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def available_memory() -> int:
    """Return the bytes of memory that this process can still use, within the limit of its container if it has one."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        rows = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        used -= {name: int(value) for name, value in rows}["inactive_file"]  # the cache of files, which makes room
        free = min(free, limit - used)
    except (OSError, ValueError, KeyError):  # no container, or one without a limit
        pass
    return max(free, 0)


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
