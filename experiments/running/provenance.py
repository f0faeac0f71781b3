"""What code runs: asked once, at the start, because a tree may change under a long run."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

from samtailor.machine.provenance import commit, hardware, versions

__all__ = ["code", "machine"]

_CODE = (
    "src",
    "experiments",
    ":!experiments/configs",
    ":!experiments/results",
)  # configs and lines change no result


@cache
def code() -> dict[str, Any]:
    """``commit``, and whether the code differs from it (``dirty``); None where there is no git."""
    found = commit()
    return {"commit": found and found.rstrip("+"), "dirty": _dirty()}


def _dirty() -> bool | None:
    root = Path(__file__).parents[2]
    command = ["git", "status", "--porcelain", "--", *_CODE]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(done.stdout.strip())


def machine(device: torch.device) -> dict[str, Any]:
    return {"hardware": hardware(device) | {"threads": str(torch.get_num_threads())}, "versions": versions()}
