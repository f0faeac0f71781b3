"""The state of a fit, from which a killed fit continues: one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from samtailor.adapters.contract import Adapter
from samtailor.errors import FitError
from samtailor.fitting.average import PREFIX
from samtailor.machine.files import write_atomically
from samtailor.runs import Run

__all__ = [
    "FitState",
    "copy_parameters",
    "load_state",
    "read_state",
    "save_state",
    "set_parameters",
]

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # state of torch.optim.AdamW for each parameter


@dataclass
class FitState:
    """Progress of a fit.

    Attributes:
        step: finished steps.
        elapsed: fitting seconds so far, including those before an interruption.
        rate_scale: factor on the adaptive learning rate, 1 at first; each back-off halves it.
        backoffs: how many times the fit went back to the best adapter.
        anchor: step of the last new best or back-off.
        emptiness: running share of predicted masks that are empty although the truth is not.
        empty_at_first: share of the validation's masks that were empty before training.
        due: share of the budget at which the next validation is due.
        stale: validations since the last new best.
        falls: validations in a row that were worse than the best, beyond chance.
        base: validation scores of the base (step 0).
        best: validation scores of the best adapter; those of the base until an adapter beats it.
        best_step: step of the best adapter; 0 is the base itself, or the base with the adapter's mask token.
        best_ious: IoU of each validation prompt with the best adapter; empty in the file of an older version.
        token_scores: validation mIoU of each of the base's mask tokens, if the fit selected one; otherwise empty.
        finished: why the fit ended; empty while it runs.
        context: settings, task and base, which must be the same when the fit continues.
    """

    step: int = 0
    elapsed: float = 0.0
    rate_scale: float = 1.0
    backoffs: int = 0
    anchor: int = 0
    emptiness: float = 0.0
    empty_at_first: float = 0.0
    due: float = 0.0
    stale: int = 0
    falls: int = 0
    base: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0
    best_ious: list[float] = field(default_factory=list)
    token_scores: list[float] = field(default_factory=list)
    finished: str = ""
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def beats_base(self) -> bool:
        """Whether the best adapter is better than the base; it may be the untrained one with another mask token."""
        return self.best["miou"] > self.base["miou"]


def copy_parameters(adapter: Adapter) -> dict[str, Tensor]:
    """Copy the adapter's owned parameters."""
    return {name: p.detach().clone() for name, p in adapter.owned_parameters().items()}


@torch.no_grad()
def set_parameters(adapter: Adapter, values: dict[str, Tensor]) -> None:
    """Set the adapter's owned parameters to ``values``, from ``copy_parameters`` or a state file."""
    for name, parameter in adapter.owned_parameters().items():
        parameter.copy_(values[name])


def _moments_of(adapter: Adapter, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return AdamW's moments by parameter name; empty before the first step."""
    moments = {}
    for name, parameter in adapter.owned_parameters().items():
        for moment, value in optimiser.state.get(parameter, {}).items():
            moments[f"{moment}.{name}"] = value
    return moments


def save_state(
    run: Run,
    state: FitState,
    adapter: Adapter,
    best: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor] | None = None,
) -> None:
    """Replace the state file of the run; ``average`` is empty or None if the fit keeps none."""
    tensors = {f"now.{k}": p.detach() for k, p in adapter.owned_parameters().items()}
    tensors |= {f"best.{k}": v for k, v in best.items()}
    tensors |= {f"{PREFIX}{k}": v for k, v in (average or {}).items()}
    tensors |= {f"adam.{k}": v for k, v in _moments_of(adapter, optimiser).items()}
    content = safetensors.torch.save(
        {k: v.cpu().contiguous() for k, v in tensors.items()}, {"state": json.dumps(asdict(state))}
    )
    write_atomically(run.state, content)


def read_state(run: Run) -> FitState | None:
    """Read the state of a run without its tensors; None if there is no state file.

    Raises:
        FitError: the file is damaged.
    """
    path = run.state
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, "pt") as file:
            return FitState(**json.loads(file.metadata()["state"]))
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise FitError(f"{path} cannot be read: {error}.", "Start a new fit in another folder.") from error


def load_state(
    run: Run, adapter: Adapter, optimiser: torch.optim.Optimizer
) -> tuple[FitState, dict[str, Tensor]] | None:
    """Load the run's state file into the adapter and the optimiser.

    Returns:
        The state and the best parameters; None if there is no state file.

    Raises:
        FitError: the file is damaged.
    """
    state = read_state(run)
    if state is None:
        return None
    path = run.state
    try:
        with safetensors.safe_open(path, "pt") as file:
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (not a dict)
        owned = adapter.owned_parameters()
        set_parameters(adapter, {k: tensors[f"now.{k}"] for k in owned})
        best = {k: tensors[f"best.{k}"].to(p.device) for k, p in owned.items()}
        if state.step:
            for name, parameter in owned.items():
                if f"adam.step.{name}" not in tensors:  # right after a back-off there are no moments
                    continue
                moments = {m: tensors[f"adam.{m}.{name}"] for m in _MOMENTS}
                # AdamW keeps its step counter on the CPU and the moments on the parameter's device.
                optimiser.state[parameter] = {
                    k: v if k == "step" else v.to(parameter.device) for k, v in moments.items()
                }
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise FitError(f"{path} cannot be read: {error}.", "Start a new fit in another folder.") from error
    return state, best
