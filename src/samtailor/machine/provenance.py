"""Where a figure comes from: versions, machine, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil
import torch

__all__ = ["commit", "hardware", "versions"]

_PACKAGES = ("samtailor", "torch", "torchvision", "transformers", "timm", "numpy", "pycocotools")


def versions() -> dict[str, str]:
    """Of Python and of the packages that figures depend on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def hardware(device: torch.device) -> dict[str, str]:
    """The processor, its usable cores, memory, and the device that computes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "processor": _processor(),
        "cores": str(cores),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "device": name,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str | None:
    """The git commit of the source that runs, with ``+`` where files differ from it; None for an installed package."""
    here = Path(__file__).parent
    try:
        inside = _git("ls-files", "--error-unmatch", "provenance.py", cwd=here)
        changed = _git("status", "--porcelain", "--untracked-files=no", cwd=here)
        found = _git("rev-parse", "--short=12", "HEAD", cwd=here)
    except (OSError, subprocess.SubprocessError):
        return None
    return (found + ("+" if changed else "")) if inside else None


def _git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
