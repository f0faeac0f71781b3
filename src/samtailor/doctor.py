"""Say what this machine can do: which bases fit, and how long images take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.bases.base import Base
from samtailor.bases.locate import nearby_bases
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.bases.sources import base_name, weight_file_of
from samtailor.embeddings.cache import default_cache_root
from samtailor.embeddings.entry import storable
from samtailor.errors import SamtailorError
from samtailor.machine.arguments import AnyPath
from samtailor.machine.device import choose_device
from samtailor.machine.memory import available_memory
from samtailor.machine.survey import MachineFacts, PeakMemory, survey
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyDevice, open_base

__all__ = ["BaseCheck", "Checkup", "check_machine"]

LOADING = 2.2
"""Memory to load weights, per byte of their file: the file's tensors, and the model that they are copied into."""
SIZE = (768, 1024)
"""Height and width of the image that is measured; its content does not matter for the time."""


@dataclass(frozen=True)
class BaseCheck:
    """Whether a base can be used here, and what it costs.

    Attributes:
        name: what ``load_base`` accepts.
        problem: why it cannot be used; empty if it can.
        parameters: number of parameters.
        device: where it was measured.
        seconds: time to encode one image.
        memory: bytes of memory for the base and one image.
        disk: bytes of the embedding of one image in the cache.
    """

    name: str
    problem: str = ""
    parameters: int | None = None
    device: str = ""
    seconds: float | None = None
    memory: int | None = None
    disk: int | None = None


@dataclass(frozen=True)
class Checkup:
    """What this machine has, and what each base costs here.

    Attributes:
        machine: the machine.
        bases: those that were asked for.
        found: other files and folders that may be bases, with their size in bytes; they were not loaded.
    """

    machine: MachineFacts
    bases: tuple[BaseCheck, ...]
    found: tuple[tuple[str, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return {"machine": asdict(replace(self.machine, disk=str(self.machine.disk)))} | {  # type: ignore[arg-type]
            "bases": [asdict(base) for base in self.bases],
            "found": [{"name": name, "bytes": size} for name, size in self.found],
        }


def check_machine(
    bases: Sequence[AnyPath] = (DEFAULT_BASE,), *, device: AnyDevice = "auto", cache: AnyPath | None = None
) -> Checkup:
    """Look at this machine, load each base and encode an image with it.

    A base whose weights do not fit into the free memory is not loaded. A base that cannot be loaded is part of the
    result, with the reason.

    Example:
        >>> check_machine(["mobile-sam"]).bases[0].seconds

    Args:
        bases: names of bases.
        device: where to load them: auto, cpu, cuda, cuda:1 or mps.
        cache: folder of the embedding cache; None is the user's own.

    Raises:
        ArgumentError: a name is of a wrong type.
        SamtailorError: the device is unknown or not available.
    """
    chosen = choose_device(device)
    folder = Path(cache).expanduser() if cache is not None else default_cache_root()
    facts = survey(folder)
    names = [base_name(name) for name in bases]
    found = [(str(path), _weight_bytes(str(path))) for path in nearby_bases() if str(path) not in names]
    return Checkup(facts, tuple(_check(name, str(chosen)) for name in names), tuple(found))


def _check(name: str, device: str) -> BaseCheck:
    need, free = LOADING * _weight_bytes(name), available_memory()
    if need > free:
        problem = f"Loading its weights takes about {need / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are free."
        return BaseCheck(name, problem, device=device)
    try:
        with PeakMemory() as memory:
            base = open_base(name, device=device)
            seconds, disk = _measure(base)
    except (SamtailorError, MemoryError) as error:
        return BaseCheck(name, str(error) or "There is not enough memory.", device=device)
    parameters = sum(p.numel() for p in base.parameters())
    return BaseCheck(base.name, "", parameters, device, seconds, memory.grown, disk)


@undisturbed()
def _measure(base: Base) -> tuple[float, int]:
    """Return the seconds for one image, the shorter of two times, and the bytes of its embedding."""
    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    times, tensors = [], {}
    for _ in range(2):
        began = time.perf_counter()
        tensors = {name: tensor.cpu() for name, tensor in base.encode([picture]).items()}  # waits for a GPU
        times.append(time.perf_counter() - began)
    kept = storable({name: tensor[0] for name, tensor in tensors.items()}, "float16")
    return min(times), sum(tensor.numel() * tensor.element_size() for tensor in kept.values())


def _weight_bytes(name: str) -> int:
    """Return the size of a base's weights on disk, as far as it is known without loading it."""
    file = weight_file_of(name)
    path = file or Path(name).expanduser()
    try:
        if path.is_dir():
            return sum(f.stat().st_size for f in path.iterdir() if f.suffix in (".safetensors", ".bin"))
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
