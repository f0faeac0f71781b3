"""Read safetensors files that may be damaged: every failure is one kind of error. No pickle is involved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor

__all__ = ["TensorsError", "check_tensors", "digest_of", "read_metadata", "read_tensors"]


class TensorsError(ValueError):
    """The bytes are not a whole safetensors file, or its tensors are not the expected ones."""


def read_tensors(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        TensorsError: the file is damaged.
    """
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(content)
    except Exception as error:  # the library and torch raise many kinds of errors for headers that contradict the data
        raise TensorsError(f"it is not a whole safetensors file: {str(error)[:200]}") from error
    return tensors


def read_metadata(content: bytes) -> dict[str, str]:
    """Return the metadata in a safetensors header; the first bytes of a file are enough.

    The library itself reads metadata only from a path.

    Raises:
        TensorsError: there is no readable header.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        return {str(name): str(value) for name, value in json.loads(content[8:end])["__metadata__"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise TensorsError("it has no readable header") from error


def check_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Check names, shapes and number types against ``expected``, and that all values are finite.

    Raises:
        TensorsError: they differ; the message names the tensors.
    """
    missing, unexpected = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or unexpected:
        raise TensorsError(f"missing tensors {missing[:3]}, unexpected tensors {unexpected[:3]}")
    for name, tensor in tensors.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
            raise TensorsError(
                f"{name} is {tuple(tensor.shape)} of {tensor.dtype}, expected {tuple(wanted.shape)} of {wanted.dtype}"
            )
        if not torch.isfinite(tensor).all():
            raise TensorsError(f"{name} contains NaN or infinity")


def digest_of(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Compute blake2b over the metadata and, in order of name, each tensor's name, dtype, shape and bytes.

    It does not depend on the order in which the library writes a header.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
