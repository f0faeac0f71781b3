"""Reading weight files without executing anything in them, and loading them strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from samtailor.errors import BaseModelError

__all__ = ["check_finite", "load_strictly", "read_weights"]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Named tensors of a ``.safetensors`` file or of a PyTorch checkpoint (``weights_only``: no pickled code runs).

    Raises:
        BaseModelError: the file is absent, damaged, or holds something else than tensors.
    """
    if not path.is_file():
        raise BaseModelError(f"There is no weight file {path}.", "Give the path of a .safetensors or .pt file.")
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
        raise BaseModelError(f"The weight file {path} holds no table of tensors.", "Expected a plain state dict.")
    return dict(state)


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Load ``state`` into ``module``; any missing, unexpected, mis-shaped or non-finite tensor is an error.

    Raises:
        BaseModelError: with the first few offending names of each kind.
    """
    own = module.state_dict()
    # Counters that evaluation never reads; published and folded checkpoints differ in whether they keep them.
    wanted = {k for k in own if not k.endswith(("num_batches_tracked", "attention_bias_idxs"))}
    faults = {
        "missing": sorted(wanted - state.keys()),
        "unexpected": sorted(state.keys() - own.keys()),
        "of another shape": sorted(k for k in wanted & state.keys() if own[k].shape != state[k].shape),
    }
    if any(faults.values()):
        parts = [
            f"{len(v)} {kind} ({', '.join(v[:3])}{', ...' if len(v) > 3 else ''})" for kind, v in faults.items() if v
        ]
        raise BaseModelError(
            f"The weights in {source} do not fit this base: {'; '.join(parts)}.",
            "Check that the file is of this model.",
        )
    check_finite(state, source)
    module.load_state_dict(state, strict=False)


def check_finite(state: Mapping[str, Tensor], source: Path | str) -> None:
    """Refuse weights with NaN or infinity, which would silently give empty masks.

    Raises:
        BaseModelError: names the first such tensor.
    """
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise BaseModelError(
                f"The tensor {name!r} in {source} holds NaN or infinity.", "The file is damaged: get it again."
            )
