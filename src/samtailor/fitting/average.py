"""A running average of an adapter's parameters (Polyak and Juditsky 1992), which validation scores beside them."""

from __future__ import annotations

import safetensors
import torch
from torch import Tensor

from samtailor.fitting.trained import Trained
from samtailor.runs import Run

__all__ = ["PREFIX", "read_average", "update_average"]

PREFIX = "average."
"""Of the names of its tensors in the state file."""


@torch.no_grad()
def update_average(average: dict[str, Tensor], adapter: Trained, decay: float) -> None:
    """Move the average towards the adapter's parameters; ``decay`` 0 is the parameters themselves."""
    for name, parameter in adapter.owned_parameters().items():
        average[name].lerp_(parameter, 1 - decay)


def read_average(run: Run, adapter: Trained) -> dict[str, Tensor]:
    """Read the average from the run's state file, which ``load_state`` has checked."""
    with safetensors.safe_open(run.state, "pt") as file:
        return {k: file.get_tensor(PREFIX + k).to(p.device) for k, p in adapter.owned_parameters().items()}
