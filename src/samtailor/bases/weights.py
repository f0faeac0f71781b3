"""Read weight files without executing code in them, and load them strictly."""

from __future__ import annotations

import logging
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from samtailor.bases.unwrap import unwrap
from samtailor.bases.weight_files import check_weight_file, is_safetensors
from samtailor.errors import BaseModelError
from samtailor.machine.memory import available_memory

__all__ = ["check_finite", "check_room", "join_faults", "load_strictly", "read_weights"]

COUNTERS = ("num_batches_tracked", "attention_bias_idxs")
"""Integers that evaluation never reads; some published checkpoints keep them, others do not."""

_SCALAR = np.float64(0).__reduce__()[0]
_NUMBERS: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "?")),
]
"""Numbers of NumPy, which training scripts save beside the weights, such as the best loss. They hold no code."""

_logger = logging.getLogger(__name__)
_GLOBAL = re.compile(r"(?:GLOBAL|global|class) ([A-Za-z_][\w.]{0,80})")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of the model in a ``.safetensors`` file or a PyTorch checkpoint, as float32.

    Checkpoints are read with ``weights_only``, so no pickled code runs. Those of training scripts are unwrapped.

    Raises:
        BaseModelError: the file is missing or damaged, or holds something other than tensors.
    """
    check_weight_file(path)
    tensors = unwrap(_content(path), path)
    odd = [k for k, v in tensors.items() if not v.is_floating_point() and not k.endswith(COUNTERS)]
    if odd:
        raise BaseModelError(
            f"The weight file {path} has tensors that are no floating-point numbers, such as {odd[0]!r} of "
            f"{str(tensors[odd[0]].dtype).removeprefix('torch.')}; expected float32.",
            "Quantised weights are not read; give the checkpoint before it was quantised.",
        )
    check_room(path, sum(4 * tensor.numel() for tensor in tensors.values()))
    if half := {tensor.dtype for tensor in tensors.values()} & {torch.float16, torch.bfloat16}:
        _logger.warning(
            "The weights in %s are in half precision (%s); they are computed with in float32, and differ slightly "
            "from the published ones.",
            path,
            ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in half)),
        )
    # Copies, so that the file may change while the base is in use.
    types = {k: torch.float32 if v.is_floating_point() else v.dtype for k, v in tensors.items()}
    return {k: v.detach().to(types[k], copy=True) for k, v in tensors.items()}


def _content(path: Path) -> object:
    """Read a file; the tensors of a checkpoint stay in the file until they are used."""
    try:
        if is_safetensors(path):
            check_room(path, path.stat().st_size)
            return load_file(path)
        with warnings.catch_warnings():  # of a damaged file, which the error says
            warnings.simplefilter("ignore")
            mapped = zipfile.is_zipfile(path)
            with torch.serialization.safe_globals(_NUMBERS):
                return torch.load(str(path), map_location="cpu", weights_only=True, mmap=mapped)
    except BaseModelError:
        raise
    except Exception as error:  # from None below, because torch's own message advises to load without weights_only
        raise _unreadable(path, error) from None


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


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], source: Path | str, assign: bool = False) -> None:
    """Load ``state`` into ``module``. Any missing, unexpected, mis-shaped or non-finite tensor is an error.

    Args:
        module: receives the tensors.
        state: by name.
        source: where they come from, for the message.
        assign: use the tensors themselves instead of copies, also for a module on the meta device.

    Raises:
        BaseModelError: lists the first few such names of each kind.
    """
    expected = module.state_dict()
    required = {k for k in expected if not k.endswith(COUNTERS)}
    faults = {
        "missing": sorted(required - state.keys()),
        "unexpected": sorted(state.keys() - expected.keys()),
        "of another shape": sorted(k for k in required & state.keys() if expected[k].shape != state[k].shape),
    }
    if any(faults.values()):
        raise BaseModelError(
            f"The weights in {source} do not fit this base: {join_faults(faults)}.",
            "Check that the file belongs to this model.",
        )
    check_finite(state, source)
    module.load_state_dict(state, strict=False, assign=assign)


def join_faults(faults: Mapping[str, Sequence[str]]) -> str:
    """Describe names of tensors by what is wrong with them: how many, and the first three."""
    return "; ".join(
        f"{len(v)} {kind} ({', '.join(v[:3])}{', ...' if len(v) > 3 else ''})" for kind, v in faults.items() if v
    )


def check_room(source: Path | str, size: int) -> None:
    """Check that weights of ``size`` bytes fit into the free memory, before they are read.

    Raises:
        BaseModelError: they do not fit.
    """
    free = available_memory()
    if size > free:
        raise BaseModelError(
            f"The weights in {source} need {size / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are free.",
            "Close other programs, use a smaller base, such as mobile-sam, or a machine with more memory.",
        )


def check_finite(state: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise BaseModelError if weights contain NaN or infinity, which would silently lead to empty masks."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise BaseModelError(
                f"The tensor {name!r} in {source} contains NaN or infinity; expected finite numbers.",
                "The file is damaged: download it again.",
            )
