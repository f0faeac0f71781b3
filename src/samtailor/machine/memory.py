"""Memory of this process: how much it has taken, and keeping what the allocator would give back."""

from __future__ import annotations

import ctypes
import sys

import psutil
import torch

__all__ = ["keep_freed_memory", "peak_memory"]


def peak_memory(device: torch.device) -> int:
    """Bytes: of the accelerator if it is CUDA, else of the process (its largest resident set so far)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of handing each back to the kernel and taking it, zeroed, again.

    A decoder's activations are tens of megabytes each, and on a CPU the page faults cost a fifth of the time. Does
    nothing where the C library is another.
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
