"""Record the code and the machine of a run."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

from samtailor.machine.provenance import commit, hardware, versions

__all__ = ["code_version", "machine"]

_CODE = ("src", "experiments", ":!experiments/configs", ":!experiments/results")  # configs and lines change no result


@cache
def code_version() -> dict[str, Any]:
    """The ``commit``, and whether the code differs from it (``dirty``); None without git.

    It is read once, because files may change during a long run.
    """
    head = commit()
    return {"commit": head and head.rstrip("+"), "dirty": _dirty()}


def _dirty() -> bool | None:
    root = Path(__file__).parents[2]
    command = ["git", "status", "--porcelain", "--", *_CODE]
    try:
        status = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(status.stdout.strip())


def machine(device: torch.device) -> dict[str, Any]:
    """The hardware, the number of threads and the versions of the libraries."""
    return {"hardware": hardware(device) | {"threads": str(torch.get_num_threads())}, "versions": versions()}
