"""Damage to safetensors files: in the header, in its metadata, in the bytes, and other tensors than expected."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from tests.campaigns.mutations.raw import change_bytes
from tests.campaigns.mutations.texts import change_text
from tests.campaigns.mutations.values import change_tree, hostile_value

__all__ = ["change_safetensors", "change_tensors", "header_of", "join"]

_TYPES = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.uint8, torch.float8_e4m3fn)


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a safetensors file and the bytes after it."""
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def join(header: Any, data: bytes) -> bytes:
    """Return a safetensors file of a header and the bytes after it."""
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + data


def change_safetensors(content: bytes, rng: Random) -> bytes:
    """Damage a safetensors file."""
    kind = rng.randrange(5)
    header, data = header_of(content)
    if kind == 0:
        return change_bytes(content, rng, rng.choice([1, 1, 3]))
    if kind == 1:
        return join(change_tree(header, rng, rng.choice([1, 1, 3])), data)
    if kind == 2 and header.get("__metadata__"):
        metadata = header["__metadata__"]
        key = rng.choice(sorted(metadata))
        is_json = metadata[key][:1] == "{"
        changed = change_text(".json", metadata[key].encode(), rng).decode("utf-8", "replace") if is_json else ""
        metadata[key] = changed or str(hostile_value(rng))[:1000]
        return join(header, data)
    if kind == 3:
        flipped = bytearray(data)
        for _ in range(rng.choice([1, 20])):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        return join(header, bytes(flipped))
    tensors = change_tensors(safetensors.torch.load(content), rng)
    return safetensors.torch.save(tensors, header.get("__metadata__"))


def change_tensors(tensors: dict[str, Tensor], rng: Random) -> dict[str, Tensor]:
    """Return the tensors with one of them missing, renamed, of another type or shape, or with other values."""
    changed, name = dict(tensors), rng.choice(sorted(tensors))
    old, kind = changed.pop(name), rng.randrange(8)
    if kind == 0:
        return changed or {"x": old}
    if kind == 1:
        return {**changed, rng.choice(["x", "", name + ".x", "\u202e", "now." + name]): old}
    if kind == 2:
        new = old.to(rng.choice(_TYPES))
    elif kind == 3:
        new = old.reshape(-1)
    elif kind == 4:
        new = torch.zeros(rng.choice([(0,), (), (1,), (2, 3), (1, *old.shape), (*old.shape[:-1], 7)]))
    elif kind == 5:
        new = old.float().clone().reshape(-1)
        new[: rng.choice([1, 1000])] = rng.choice([float("nan"), float("inf"), -float("inf"), 1e38])
        new = new.reshape(old.shape)
    elif kind == 6:
        new = old[None].expand(2, *old.shape).contiguous()
    else:
        return {**changed, name: old, "more": torch.ones(3)}
    return {**changed, name: new.contiguous()}
