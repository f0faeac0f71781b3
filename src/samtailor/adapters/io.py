"""Adapter files: ``adapter.safetensors`` holds the parameters, ``adapter.json`` (the card) the method and the base."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from samtailor.adapters.contract import Adapter
from samtailor.adapters.mask_scores import corrections_in, leaves_base
from samtailor.adapters.methods import METHODS, method_class
from samtailor.bases.base import Base
from samtailor.errors import AdapterError, SamtailorError
from samtailor.machine.files import write_atomically, write_json

__all__ = ["CARD_FILE", "WEIGHTS_FILE", "build_adapter", "load_adapter", "read_card", "save_adapter"]

CARD_FILE, WEIGHTS_FILE = "adapter.json", "adapter.safetensors"
FORMAT = 2
"""Format 1 implies mask token 0. Adapters with token 0 are written in format 1, so that older versions read them."""


def build_adapter(method: str, base: Base, **config: Any) -> Adapter:
    """Build an untrained adapter for ``base``; ``config`` holds options of the method.

    Raises:
        AdapterError: the method is unknown, or cannot work with this base or these options.
    """
    try:
        return method_class(method).for_base(base, **config)
    except SamtailorError:
        raise
    except Exception as error:  # torch and peft raise many kinds of errors if a size is out of range
        raise AdapterError(
            f"The method {method!r} cannot be built with {config}: {type(error).__name__}: {error}.",
            "Correct its options (docs/guides/methods.md).",
        ) from error


def save_adapter(folder: Path, adapter: Adapter, base: Base, facts: dict[str, Any]) -> None:
    """Write both files into ``folder``; ``facts`` (task, metrics, settings, versions) are added to the card.

    Raises:
        SamtailorError: the folder is not writable.
    """
    content = safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in adapter.kept_parameters().items()})
    card = {
        "format": FORMAT if adapter.mask_token else 1,
        "method": adapter.method,
        "config": adapter.config,
        "mask_token": adapter.mask_token,
        "parameters": adapter.parameter_count(),
        "base": {"name": base.name, "fingerprint": base.fingerprint},
        "weights_digest": _digest(content),
        **facts,
    }
    # Weights first, so that a card never exists without weights; the digest shows if the two are not from one save.
    write_atomically(folder / WEIGHTS_FILE, content)
    write_json(folder / CARD_FILE, card)


def read_card(folder: Path) -> dict[str, Any]:
    """Read ``adapter.json``.

    Raises:
        AdapterError: the file is missing, or is not the card of an adapter.
    """
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text())
        card["method"], card["config"], card["base"]["fingerprint"], card["base"]["name"]
    except FileNotFoundError as error:
        raise AdapterError(
            f"There is no adapter in {folder} (no adapter.json).", "Give the run folder that fit wrote."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterError(
            f"{path} is not the card of an adapter: {error!r}.", "Give the run folder that fit wrote."
        ) from error
    if not isinstance(card.get("format"), int) or card["format"] > FORMAT:
        raise AdapterError(
            f"{path} has format {card.get('format')!r}; this version reads up to {FORMAT}.", "Update samtailor."
        )
    return dict(card)


def load_adapter(folder: str | Path, base: Base) -> Adapter:
    """Load the adapter in ``folder``, in evaluation mode, on the base's device.

    Raises:
        AdapterError: there is no adapter, a file is damaged, weights are not finite or do not fit, or the adapter
            belongs to another base.
    """
    folder = Path(folder)
    card = read_card(folder)
    if card["base"]["fingerprint"] != base.fingerprint:
        raise AdapterError(
            f"The adapter in {folder} was fitted on base {card['base']['name']!r} with fingerprint "
            f"{card['base']['fingerprint']}; this base is {base.name!r} with fingerprint {base.fingerprint}.",
            "Load it on the base it was fitted on, or fit a new adapter on this one.",
        )
    if card["method"] not in METHODS:
        raise AdapterError(
            f"The adapter in {folder} has the unknown method {card['method']!r}; known are {', '.join(METHODS)}.",
            "Update samtailor.",
        )
    path = folder / WEIGHTS_FILE
    try:
        content = path.read_bytes()
        state = safetensors.torch.load(content)
        adapter = build_adapter(card["method"], base, **card["config"])
    except (OSError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise AdapterError(f"{path} cannot be read: {error}.", "Copy the run folder again.") from error
    if card.get("weights_digest") not in (None, _digest(content)):
        raise AdapterError(
            f"{path} does not belong to the adapter.json in the same folder.", "Copy the whole run folder again."
        )
    token = card.get("mask_token", 0)
    if type(token) is not int or not 0 <= token < base.mask_tokens:
        raise AdapterError(
            f"{folder / CARD_FILE} has the mask token {token!r}; expected 0 to {base.mask_tokens - 1}.",
            "Copy the run folder again.",
        )
    adapter.use_token(token)
    adapter.leaves_base = leaves_base(card)
    adapter.score_corrections = corrections_in(card, base, folder / CARD_FILE)
    _load_strictly(adapter, state, path)
    return adapter.to(base.device).eval()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _load_strictly(adapter: Adapter, state: dict[str, torch.Tensor], path: Path) -> None:
    kept = adapter.kept_parameters()
    missing, unexpected = sorted(kept.keys() - state.keys()), sorted(state.keys() - kept.keys())
    shapes = sorted(k for k in kept.keys() & state.keys() if kept[k].shape != state[k].shape)
    if missing or unexpected or shapes:
        raise AdapterError(
            f"{path} does not fit the method: missing {missing[:3]}, unexpected {unexpected[:3]}, "
            f"of other shapes {shapes[:3]}.",
            "The file belongs to another version or method: copy the whole run folder again.",
        )
    not_finite = sorted(k for k, v in state.items() if not torch.isfinite(v).all())
    if not_finite:
        raise AdapterError(f"{path} contains NaN or infinity in {not_finite[:3]}.", "Fit again, or use another copy.")
    with torch.no_grad():
        for name, parameter in kept.items():
            parameter.copy_(state[name])
