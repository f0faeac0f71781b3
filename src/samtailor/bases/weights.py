"""Read weight files without executing code in them, and load them strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from samtailor.errors import BaseModelError

__all__ = ["check_finite", "load_strictly", "read_weights"]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a ``.safetensors`` file or a PyTorch checkpoint.

    Checkpoints are read with ``weights_only``, so no pickled code runs.

    Raises:
        BaseModelError: the file is missing or damaged, or holds something other than tensors.
    """
    if not path.is_file():
        raise BaseModelError(f"The weight file {path} does not exist.", "Give the path of a .safetensors or .pt file.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BaseModelError(
            f"The weight file {path} cannot be read: {str(error).splitlines()[0]}",
            "Expected a .safetensors file or a PyTorch checkpoint that holds tensors only; download it again.",
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BaseModelError(
            f"The weight file {path} is not a state dict; expected names with tensors only.",
            "Save the model's state_dict(), or download the file again.",
        )
    return dict(state)


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
