"""Time contenders in turns, so that other load on the machine affects all of them equally."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

__all__ = ["Times", "side_by_side"]


@dataclass(frozen=True)
class Times:
    """The seconds that one contender took in each turn."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def side_by_side(contenders: Mapping[str, Callable[[], object]], turns: int, device: torch.device) -> dict[str, Times]:
    """Run all contenders once without timing, then run each of them once per turn.

    Args:
        contenders: name -> function to time.
        turns: number of turns.
        device: the device that computes; a GPU is synchronised before the time is read.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, work in contenders.items():
            began = _now(device)
            work()
            if turn:
                seconds[name].append(_now(device) - began)
    return {name: Times(tuple(own)) for name, own in seconds.items()}


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
