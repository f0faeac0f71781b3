"""Which device computes, and how exactly."""

from __future__ import annotations

import torch

from samtailor.errors import SamtailorError

__all__ = ["choose_device", "choose_precision"]


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        SamtailorError: the device asked for is not there.
    """
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in have.items() if there))
    kind = name.partition(":")[0]
    if not have.get(kind):
        there = ", ".join(k for k, v in have.items() if v)
        raise SamtailorError(f"The device {name!r} is not available here.", f"Choose one of: auto, {there}.")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SamtailorError(f"{name!r} is no device.", "Choose auto, cpu, cuda, cuda:0, ... or mps.") from error
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SamtailorError(f"There is no {name!r}; CUDA devices here: {torch.cuda.device_count()}.", "Count from 0.")
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes ``bfloat16`` where the hardware multiplies it, else ``float32``; other names stay."""
    if name != "auto":
        return name
    if device.type == "cuda":
        with torch.cuda.device(device):
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_it = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not public; AMX comes with it
        fast = device.type == "cpu" and has_it is not None and has_it()
    return "bfloat16" if fast else "float32"
