"""Detect a process that was forked after its parent computed with torch, because computing there would hang.

A fork copies memory but no threads. The library behind torch's loops (OpenMP) then waits for ever for threads that
exist only in the parent. On one thread it needs none, so such a process may compute.
"""

from __future__ import annotations

import os

import torch

from samtailor.errors import ForkError

__all__ = ["before_computing"]

_computed = False
_forked_after = False


def before_computing(device: torch.device | None = None) -> None:
    """Call this before work with torch that may use several threads; also notes that this process computes.

    Args:
        device: where it computes; None for the CPU.

    Raises:
        ForkError: the process was forked after its parent computed, and would hang or fail.
    """
    global _computed
    if _forked_after and (torch.get_num_threads() > 1 or (device is not None and device.type != "cpu")):
        raise ForkError(
            "This process was forked after its parent used a model; computing here would hang.",
            'Start processes with multiprocessing.get_context("spawn") and load the model in each of them, '
            "or call torch.set_num_threads(1) in the new process first (CPU only).",
        )
    _computed = True


def _after_fork() -> None:
    global _forked_after
    _forked_after = _computed


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_after_fork)
