"""One entry of the embedding cache as bytes: tensors, metadata that names base and image, and a checksum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from samtailor.errors import CacheError
from samtailor.machine.tensors import TensorsError, digest_of, read_tensors
from samtailor.machine.tensors import read_metadata as tensors_metadata

__all__ = [
    "DTYPES",
    "FORMAT_VERSION",
    "CacheDtype",
    "DamagedEntryError",
    "EntryState",
    "Shapes",
    "as_float32",
    "pack",
    "read_metadata",
    "storable",
    "unpack",
]

CacheDtype = Literal["float16", "float32"]
EntryState = Literal["good", "missing", "damaged"]
Shapes = Mapping[str, tuple[int, ...]]
"""Name -> shape of the tensors of one image, without a batch axis."""

FORMAT_VERSION = "1"
"""Increase it if the same image file would lead to another embedding, e.g. if ``read_image`` returns other pixels."""
LARGEST = 1e12
"""Largest value that an embedding may have; products of larger ones overflow in a decoder."""
DTYPES: dict[str, torch.dtype] = {"float16": torch.float16, "float32": torch.float32}


class DamagedEntryError(Exception):
    """The bytes are not a whole entry of the expected base and image. The cache catches it and rebuilds the entry."""


def storable(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Copy tensors for storage: contiguous, on the CPU, rounded to ``dtype`` if all values fit, else float32.

    Raises:
        CacheError: there is no tensor, or a value is not finite.
    """
    not_finite = [name for name, tensor in tensors.items() if not _fits(tensor, tensor.dtype)]
    if not_finite or not tensors:
        problem = f"values that are not finite in {', '.join(map(repr, not_finite))}" if not_finite else "no tensors"
        raise CacheError(
            f"An embedding to be cached has {problem}; expected one or more tensors of finite numbers.",
            "Encode in float32, and check the weights of the base.",
        )
    smaller = DTYPES[dtype]
    return _copies(tensors, smaller if all(_fits(t, smaller) for t in tensors.values()) else torch.float32)


def as_float32(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert tensors to new ones of float32."""
    return {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}


def pack(
    fingerprint: str, key: str, tensors: Mapping[str, Tensor], size: tuple[int, int], base_name: str = ""
) -> bytes:
    """Convert an embedding to the bytes of an entry.

    Args:
        fingerprint: of the base, in full.
        key: hash of the image's content.
        tensors: as returned by ``storable``.
        size: (W, H) of the image, pixels.
        base_name: the name that a user types for the base.
    """
    metadata = {
        "version": FORMAT_VERSION,
        "fingerprint": fingerprint,
        "base": base_name,
        "key": key,
        "width": str(int(size[0])),
        "height": str(int(size[1])),
    }
    checksum = digest_of(metadata, tensors)
    return safetensors.torch.save(dict(tensors), metadata={**metadata, "checksum": checksum})


def unpack(data: bytes, fingerprint: str, key: str, shapes: Shapes | None = None) -> dict[str, Tensor]:
    """Read the tensors of an entry, in the dtype in which they were stored.

    Args:
        data: the content of the file.
        fingerprint: of the base, in full.
        key: hash of the image's content.
        shapes: what the base's embeddings look like; None accepts any names and shapes.

    Raises:
        DamagedEntryError: the bytes are not a whole entry of this base and image.
    """
    metadata = read_metadata(data)
    for name, expected in (("version", FORMAT_VERSION), ("fingerprint", fingerprint), ("key", key)):
        if metadata.get(name) != expected:
            raise DamagedEntryError(f"{name} is {metadata.get(name)!r}, expected {expected!r}")
    try:
        tensors = read_tensors(data)
    except TensorsError as error:
        raise DamagedEntryError(str(error)) from error
    if metadata.pop("checksum", None) != digest_of(metadata, tensors):
        raise DamagedEntryError("the checksum does not match")
    _check_content(tensors, shapes)
    return tensors


def _check_content(tensors: Mapping[str, Tensor], shapes: Shapes | None) -> None:
    """Check what a checksum cannot: it also fits an entry that another program or a faulty base wrote."""
    stored = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes is not None and stored != dict(shapes):
        raise DamagedEntryError(f"it holds {stored}, expected {dict(shapes)}")
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES.values():
            raise DamagedEntryError(f"{name} is {tensor.dtype}, expected float16 or float32")
        # Not with torch, whose thread pool fails in forked processes.
        if not float(np.abs(tensor.numpy()).max(initial=0)) <= LARGEST:
            raise DamagedEntryError(f"{name} has values that are not finite, or above {LARGEST:g}")


def read_metadata(data: bytes) -> dict[str, str]:
    """Read the metadata of an entry; the first bytes of a file are enough.

    Raises:
        DamagedEntryError: there is no readable header.
    """
    try:
        return tensors_metadata(data)
    except TensorsError as error:
        raise DamagedEntryError("there is no readable header") from error


def _fits(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Check whether all values are finite in ``dtype``.

    Rounding keeps the order of values, so the smallest and the largest decide; if there is a NaN, both are NaN.
    """
    return tensor.numel() == 0 or all(bool(torch.isfinite(value.to(dtype))) for value in tensor.aminmax())


def _copies(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    # Always a copy: a view of a batch would keep the whole batch in memory, and inference tensors cannot be trained on.
    with torch.inference_mode(False):
        return {
            name: tensor.detach().to("cpu", dtype, copy=True, memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
