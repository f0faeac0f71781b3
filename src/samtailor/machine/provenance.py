"""Describe where a measured figure comes from: versions, hardware, commit."""

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
    """Return the versions of Python and of the packages that figures depend on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}


def hardware(device: torch.device) -> dict[str, str]:
    """Describe the processor, its usable cores, the memory, and the compute device."""
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
    """Return the git commit of the running source, with ``+`` if files were changed; None for an installed package."""
    folder = Path(__file__).parent
    try:
        tracked = _git("ls-files", "--error-unmatch", "provenance.py", cwd=folder)
        changed = _git("status", "--porcelain", "--untracked-files=no", cwd=folder)
        revision = _git("rev-parse", "--short=12", "HEAD", cwd=folder)
    except (OSError, subprocess.SubprocessError):
        return None
    return (revision + ("+" if changed else "")) if tracked else None


def _git(*arguments: str, cwd: Path) -> str:
    result = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, timeout=10, check=True)
    return result.stdout.strip()
