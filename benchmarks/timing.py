"""Timing side by side: each turn runs every contender once, so that a slow moment of the machine hits all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

__all__ = ["Times", "side_by_side"]


@dataclass(frozen=True)
class Times:
    """Seconds of the turns of one contender."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def side_by_side(contenders: Mapping[str, Callable[[], object]], turns: int, device: torch.device) -> dict[str, Times]:
    """Run all contenders once unmeasured, then ``turns`` times in alternation."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, work in contenders.items():
            began = _now(device)
            work()
            if turn:
                found[name].append(_now(device) - began)
    return {name: Times(tuple(seconds)) for name, seconds in found.items()}


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
