"""Choose the device and the number type of training steps."""

from __future__ import annotations

import torch

from samtailor.errors import SamtailorError
from samtailor.machine.arguments import wrong_type

__all__ = ["choose_device", "choose_precision"]


def choose_device(name: str | int | torch.device | None = "auto") -> torch.device:
    """Return the device of a name; ``auto`` takes CUDA, then MPS, then the CPU.

    Args:
        name: auto, cpu, cuda, cuda:1, mps; a device of torch; a number is that of a CUDA device; None is auto.

    Raises:
        ArgumentError: ``name`` is of a wrong type.
        SamtailorError: the device is unknown or not available.
    """
    if isinstance(name, bool) or not isinstance(name, str | int | torch.device | None):
        raise wrong_type("device", name, "auto, cpu, cuda, cuda:1, mps or a torch.device")
    name = "auto" if name is None else f"cuda:{name}" if isinstance(name, int) else str(name)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, usable in available.items() if usable))
    kind = name.partition(":")[0]
    if not available.get(kind):
        choices = ", ".join(k for k, usable in available.items() if usable)
        raise SamtailorError(f"The device {name!r} is not available here.", f"Choose one of: auto, {choices}.")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SamtailorError(
            f"The device {name!r} is unknown.", "Choose auto, cpu, cuda, cuda:0, ... or mps."
        ) from error
    count = torch.cuda.device_count()
    if kind == "cuda" and (device.index or 0) >= count:
        raise SamtailorError(
            f"The device {name!r} does not exist; this machine has {count} CUDA device(s), counted from 0.",
            f"Choose cuda:0 to cuda:{count - 1}.",
        )
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """Return a number type; ``auto`` takes bfloat16 if the hardware multiplies it, else float32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        with torch.cuda.device(device):
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not public; AMX implies it
        fast = device.type == "cpu" and supported is not None and supported()

    return "bfloat16" if fast else "float32"
