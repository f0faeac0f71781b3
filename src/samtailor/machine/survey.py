"""What this machine has: processor, memory, free disk space, accelerators, versions, installed extras."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import psutil
import torch

from samtailor.machine.provenance import hardware, versions

__all__ = ["Accelerator", "MachineFacts", "PeakMemory", "free_memory", "survey"]

EXTRAS = {
    "formats": ("datasets", "pi_heif", "pydicom"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "serve": ("fastapi", "uvicorn"),
    "geo": ("rasterio",),
    "ray": ("ray",),
}
"""Extra -> the modules that it installs."""


@dataclass(frozen=True)
class Accelerator:
    """A GPU. ``free`` and ``total`` are bytes of its memory; None if it shares the memory of the machine."""

    name: str
    free: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class MachineFacts:
    """What this machine has.

    Attributes:
        hardware: processor, usable cores, system.
        versions: of Python and of packages.
        memory: total bytes.
        free_memory: bytes that a program can have.
        disk: the folder whose disk was looked at.
        free_disk: free bytes there.
        accelerators: GPUs that torch can use.
        extras: extra -> the modules of it that are missing; none if it is installed.
    """

    hardware: dict[str, str]
    versions: dict[str, str]
    memory: int
    free_memory: int
    disk: Path
    free_disk: int
    accelerators: tuple[Accelerator, ...]
    extras: dict[str, tuple[str, ...]]


def survey(folder: Path) -> MachineFacts:
    """Look at this machine; ``folder`` is on the disk to look at and need not exist."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    accelerators = [
        Accelerator(torch.cuda.get_device_name(k), *torch.cuda.mem_get_info(k))
        for k in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        accelerators.append(Accelerator("Apple GPU (mps)"))
    parts = hardware(torch.device("cpu"))
    return MachineFacts(
        hardware={name: parts[name] for name in ("processor", "cores", "system")},
        versions=versions(),
        memory=_limit() or psutil.virtual_memory().total,
        free_memory=free_memory(),
        disk=folder,
        free_disk=shutil.disk_usage(there).free,
        accelerators=tuple(accelerators),
        extras={name: tuple(m for m in modules if not _installed(m)) for name, modules in EXTRAS.items()},
    )


def free_memory(device: torch.device | None = None) -> int:
    """Return the bytes that a program can still have: of a CUDA device, else of the machine or its container."""
    if device is not None and device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    available, limit = int(psutil.virtual_memory().available), _limit()
    return available if limit is None else max(0, min(available, limit - _used()))


class PeakMemory:
    """Measures how much the memory of this process grows in a ``with`` block, by looking every 5 ms.

    Attributes:
        grown: bytes, after the block.
    """

    def __init__(self) -> None:
        self.grown = 0
        self._process, self._done = psutil.Process(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._before = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)
            if self._done.wait(0.005):
                return


def _installed(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of a container's memory: version 2, then version 1."""


def _limit() -> int | None:
    """Return the memory limit of the container in bytes; None if there is none below the machine's memory."""
    for limit, _ in _CGROUPS:
        value = _number(limit)
        if value is not None and value < psutil.virtual_memory().total:
            return value
    return None


def _used() -> int:
    return next((value for _, use in _CGROUPS if (value := _number(use)) is not None), 0)


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None
