"""Read weight files without executing code in them, and load them strictly."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from samtailor.bases.weight_files import check_weight_file, is_safetensors
from samtailor.errors import BaseModelError

__all__ = ["check_finite", "load_strictly", "read_weights"]

_GLOBAL = re.compile(r"(?:GLOBAL|global|class) ([A-Za-z_][\w.]{0,80})")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a ``.safetensors`` file or a PyTorch checkpoint.

    Checkpoints are read with ``weights_only``, so no pickled code runs.

    Raises:
        BaseModelError: the file is missing or damaged, or holds something other than tensors.
    """
    check_weight_file(path)
    try:
        if is_safetensors(path):
            return load_file(path)
        with warnings.catch_warnings():  # of a damaged file, which the error says
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # from None below, because torch's own message advises to load without weights_only
        raise _unreadable(path, error) from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BaseModelError(*_not_a_state_dict(path, state))
    return {str(name): tensor for name, tensor in state.items()}


def _unreadable(path: Path, error: Exception) -> BaseModelError:
    named = _GLOBAL.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if named:
        return BaseModelError(
            f"The weight file {path} holds more than tensors: {named[1]}, which could run code. It was not loaded.",
            "Ask for the same weights as .safetensors, or as a checkpoint that holds the state dict alone.",
        )
    return BaseModelError(
        f"The weight file {path} cannot be read: it is damaged, or no PyTorch checkpoint.",
        "Expected a .safetensors file or a PyTorch checkpoint that holds tensors only; download it again.",
    )


def _not_a_state_dict(path: Path, state: object) -> tuple[str, str]:
    if not isinstance(state, Mapping):
        return (
            f"The weight file {path} holds an object of type {type(state).__name__}; expected names with tensors.",
            "Save the model's state_dict(), or download the file again.",
        )
    names = list(map(str, state))
    entries = ", ".join(map(repr, names[:4])) + (", ..." if len(names) > 4 else "")
    lightning = "pytorch-lightning_version" in state
    kind = "is a checkpoint of PyTorch Lightning" if lightning else "is not a state dict"
    inner = next((n for n, v in state.items() if isinstance(v, Mapping) and _all_tensors(v)), None)
    hint = "Save the model's state_dict(), or download the file again."
    if inner is not None:
        hint = f"Its tensors are under {inner!r}: save these alone, with safetensors.torch.save_file."
    return f"The weight file {path} {kind}; it holds {entries}. Expected names with tensors only.", hint


def _all_tensors(table: Mapping[object, object]) -> bool:
    return bool(table) and all(isinstance(value, Tensor) for value in table.values())


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Load ``state`` into ``module``. Any missing, unexpected, mis-shaped or non-finite tensor is an error.

    Raises:
        BaseModelError: lists the first few such names of each kind.
    """
    expected = module.state_dict()
    # Counters that evaluation never reads; some published checkpoints keep them, others do not.
    required = {k for k in expected if not k.endswith(("num_batches_tracked", "attention_bias_idxs"))}
    faults = {
        "missing": sorted(required - state.keys()),
        "unexpected": sorted(state.keys() - expected.keys()),
        "of another shape": sorted(k for k in required & state.keys() if expected[k].shape != state[k].shape),
    }
    if any(faults.values()):
        parts = [
            f"{len(v)} {kind} ({', '.join(v[:3])}{', ...' if len(v) > 3 else ''})" for kind, v in faults.items() if v
        ]
        raise BaseModelError(
            f"The weights in {source} do not fit this base: {'; '.join(parts)}.",
            "Check that the file belongs to this model.",
        )
    check_finite(state, source)
    module.load_state_dict(state, strict=False)


def check_finite(state: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise BaseModelError if weights contain NaN or infinity, which would silently lead to empty masks."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise BaseModelError(
                f"The tensor {name!r} in {source} contains NaN or infinity; expected finite numbers.",
                "The file is damaged: download it again.",
            )
