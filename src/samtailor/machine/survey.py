"""What this machine has: processor, memory, free disk space, accelerators, versions, installed extras."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import psutil
import torch

from samtailor.machine.memory import available_memory, memory_limit
from samtailor.machine.provenance import hardware, versions

__all__ = ["Accelerator", "MachineFacts", "PeakMemory", "survey"]

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
        memory=memory_limit(),
        free_memory=available_memory(),
        disk=folder,
        free_disk=shutil.disk_usage(there).free,
        accelerators=tuple(accelerators),
        extras={name: tuple(m for m in modules if not _installed(m)) for name, modules in EXTRAS.items()},
    )


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
