"""The state of a fit, from which a killed fit continues: one safetensors file, replaced atomically.

It carries a checksum, and every value is checked when it is read: a damaged or edited file is refused whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from samtailor.errors import FitError
from samtailor.fitting.average import PREFIX
from samtailor.fitting.trained import Trained
from samtailor.machine.fields import FieldError, Fields, parse_object
from samtailor.machine.files import write_atomically
from samtailor.machine.tensors import TensorsError, check_tensors, digest_of, read_metadata, read_tensors
from samtailor.runs import Run

__all__ = [
    "STATE_FORMAT",
    "FitState",
    "copy_parameters",
    "load_state",
    "read_state",
    "save_state",
    "set_parameters",
]

STATE_FORMAT = 2
"""Format 1 has no checksum."""

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
        prompt_limit: largest number of validation prompts; 0 in the file of an older version.
        extended_at: steps at which the fit was continued with a larger budget.
        format: of the file.
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
    prompt_limit: int = 0
    extended_at: list[int] = field(default_factory=list)
    format: int = STATE_FORMAT
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def beats_base(self) -> bool:
        """Whether the best adapter is better than the base; it may be the untrained one with another mask token."""
        return self.best["miou"] > self.base["miou"]


def copy_parameters(adapter: Trained) -> dict[str, Tensor]:
    """Copy the adapter's owned parameters."""
    return {name: p.detach().clone() for name, p in adapter.owned_parameters().items()}


@torch.no_grad()
def set_parameters(adapter: Trained, values: dict[str, Tensor]) -> None:
    """Set the adapter's owned parameters to ``values``, from ``copy_parameters`` or a state file."""
    for name, parameter in adapter.owned_parameters().items():
        parameter.copy_(values[name])


def _moments_of(adapter: Trained, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return AdamW's moments by parameter name; empty before the first step."""
    moments = {}
    for name, parameter in adapter.owned_parameters().items():
        for moment, value in optimiser.state.get(parameter, {}).items():
            moments[f"{moment}.{name}"] = value
    return moments


def save_state(
    run: Run,
    state: FitState,
    adapter: Trained,
    best: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor] | None = None,
) -> None:
    """Replace the state file of the run. The rows of the log up to this state are flushed first.

    ``average`` is empty or None if the fit keeps none.
    """
    run.flush_log()
    tensors = {f"now.{k}": p.detach() for k, p in adapter.owned_parameters().items()}
    tensors |= {f"best.{k}": v for k, v in best.items()}
    tensors |= {f"{PREFIX}{k}": v for k, v in (average or {}).items()}
    tensors |= {f"adam.{k}": v for k, v in _moments_of(adapter, optimiser).items()}
    stored = {k: v.cpu().contiguous() for k, v in tensors.items()}
    metadata = {"state": json.dumps(asdict(state) | {"format": STATE_FORMAT})}
    content = safetensors.torch.save(stored, {**metadata, "checksum": digest_of(metadata, stored)})
    write_atomically(run.state, content)


def read_state(run: Run) -> FitState | None:
    """Read and check the state of a run; None if there is no state file.

    Raises:
        FitError: the file is damaged; the message names the field.
    """
    content = _read(run.state)
    return None if content is None else content.state


def load_state(
    run: Run, adapter: Trained, optimiser: torch.optim.Optimizer
) -> tuple[FitState, dict[str, Tensor]] | None:
    """Load the run's state file into the adapter and the optimiser.

    Returns:
        The state and the best parameters; None if there is no state file.

    Raises:
        FitError: the file is damaged, or its tensors are not those of the adapter; nothing is loaded then.
    """
    content = _read(run.state)
    if content is None:
        return None
    state, tensors = content
    owned = adapter.owned_parameters()
    parts = ["now.", "best."] + ([PREFIX] if state.context["config"].get("average") else [])
    expected: dict[str, Tensor] = {f"{part}{k}": p for part in parts for k, p in owned.items()}
    for k, p in owned.items():
        if any(f"adam.{moment}.{k}" in tensors for moment in _MOMENTS):  # none before a step and after a back-off
            expected |= {f"adam.exp_avg.{k}": p, f"adam.exp_avg_sq.{k}": p, f"adam.step.{k}": torch.zeros(())}
    try:
        check_tensors(tensors, expected)
        if negative := [
            k for k in tensors if k.startswith(("adam.step.", "adam.exp_avg_sq.")) and (tensors[k] < 0).any()
        ]:
            raise TensorsError(f"{negative[0]} is negative")
    except TensorsError as error:
        raise _damaged(run.state, error) from error
    set_parameters(adapter, {k: tensors[f"now.{k}"] for k in owned})
    best = {k: tensors[f"best.{k}"].to(p.device) for k, p in owned.items()}
    for k, p in owned.items():
        if f"adam.step.{k}" in tensors:
            moments = {m: tensors[f"adam.{m}.{k}"] for m in _MOMENTS}
            # AdamW keeps its step counter on the CPU and the moments on the parameter's device.
            optimiser.state[p] = {m: v if m == "step" else v.to(p.device) for m, v in moments.items()}
    return state, best


class _Content(NamedTuple):
    """A state file."""

    state: FitState
    tensors: dict[str, Tensor]


def _read(path: Path) -> _Content | None:
    """Read and check a state file; None if there is none."""
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        metadata = read_metadata(content)
        if "state" not in metadata:
            raise TensorsError("it does not hold the state of a fit")
        tensors = read_tensors(content)
        checksum = metadata.pop("checksum", None)
        if checksum is not None and checksum != digest_of(metadata, tensors):
            raise TensorsError("its checksum does not match")
        state = _parse(parse_object(metadata["state"]))
        if checksum is None and state.format > 1:
            raise TensorsError("it has no checksum")
    except (OSError, TensorsError, FieldError) as error:
        raise _damaged(path, error) from error
    return _Content(state, tensors)


def _damaged(path: Path, error: Exception) -> FitError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return FitError(
        f"The state of the fit, {path}, cannot be used: {reason}.",
        "Restore the file from a copy, or start a new fit in another folder.",
    )


def _parse(values: Mapping[str, Any]) -> FitState:
    """Read a state from JSON; a field that an older version did not write has its default."""
    given = Fields(values)
    given.only([f.name for f in fields(FitState)])
    format_ = given.whole("format", 1, default=1)
    if format_ > STATE_FORMAT:
        raise FieldError(f"format is {format_}, but this version of samtailor reads up to {STATE_FORMAT}")
    step = given.whole("step")
    state = FitState(
        step=step,
        elapsed=given.number("elapsed"),
        rate_scale=given.number("rate_scale", high=1.0),
        backoffs=given.whole("backoffs"),
        anchor=given.whole("anchor", 0, step),
        emptiness=given.number("emptiness", high=1.0),
        empty_at_first=given.number("empty_at_first", high=1.0, default=0.0),
        due=given.number("due"),
        stale=given.whole("stale"),
        falls=given.whole("falls", default=0),
        base=_scores(given, "base"),
        best=_scores(given, "best"),
        best_step=given.whole("best_step", 0, step),
        best_ious=given.numbers("best_ious", default=[]),
        token_scores=given.numbers("token_scores", default=[]),
        finished=given.text("finished"),
        prompt_limit=given.whole("prompt_limit", default=0),
        extended_at=[int(n) for n in given.numbers("extended_at", default=[])],
        format=format_,
        context=given.table("context"),
    )
    given.inside("context").table("config", {})
    if bool(state.base) != bool(state.best):
        raise FieldError("base and best contradict each other: one of them is empty")
    if step and not state.base:
        raise FieldError(f"base is empty at step {step}")
    return state


def _scores(given: Fields, name: str) -> dict[str, float]:
    if not given.table(name):
        return {}
    scores = given.inside(name)
    scores.only(["miou", "iou_instances", "n", "empty", "miou_error"])
    parsed: dict[str, float] = {key: scores.number(key, high=1.0) for key in ("miou", "iou_instances")}
    parsed |= {"n": scores.whole("n"), "empty": scores.number("empty", high=1.0, default=0.0)}
    return parsed | {"miou_error": scores.number("miou_error", high=1.0, default=0.0)}
