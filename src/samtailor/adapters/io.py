"""Adapter files: ``adapter.safetensors`` holds the parameters, ``adapter.json`` (the card) the method and the base."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from samtailor.adapters.card import AGAIN, CARD_FILE, FORMAT, check_config, read_card
from samtailor.adapters.contract import Adapter
from samtailor.adapters.methods import method_class
from samtailor.adapters.unfinished import resume_line
from samtailor.bases.base import Base
from samtailor.errors import AdapterError, SamtailorError
from samtailor.machine.fields import FieldError
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.randomness import own_randomness
from samtailor.machine.tensors import TensorsError, check_tensors, read_tensors

__all__ = ["CARD_FILE", "WEIGHTS_FILE", "build_adapter", "load_adapter", "read_card", "save_adapter"]

WEIGHTS_FILE = "adapter.safetensors"
INTERRUPTED = "interrupted"
"""First word of the reason why a fit ended if it can go on."""

_logger = logging.getLogger(__name__)


def build_adapter(method: str, base: Base, seed: int = 0, **config: Any) -> Adapter:
    """Build an untrained adapter for ``base``; ``config`` holds options of the method.

    The global random generators are neither used nor changed.

    Args:
        method: name of the method.
        base: the frozen base.
        seed: random seed of the parameters.
        config: options of the method.

    Raises:
        AdapterError: the method is unknown, or cannot work with this base or these options.
    """
    try:
        with own_randomness(seed):
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
    token = card.get("mask_token", 0)
    if not 0 <= token < base.mask_tokens:
        raise AdapterError(
            f"{folder / CARD_FILE} has the mask token {token!s:.20}; expected 0 to {base.mask_tokens - 1}.",
            AGAIN,
        )
    path = folder / WEIGHTS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AdapterError(f"{path} cannot be read: {error.strerror or error}.", AGAIN) from error
    if card["weights_digest"] != _digest(content):
        raise AdapterError(f"{path} does not belong to the adapter.json in the same folder.", AGAIN)
    try:
        check_config(card)
    except FieldError as error:
        raise AdapterError(f"{folder / CARD_FILE} is not the card of an adapter: {error}.", AGAIN) from error
    adapter = build_adapter(card["method"], base, **card["config"])
    adapter.use_token(token)
    try:
        state = read_tensors(content)
        check_tensors(state, adapter.kept_parameters())
    except TensorsError as error:
        raise AdapterError(f"{path} does not fit the method: {error}.", AGAIN) from error
    if card["parameters"] != adapter.parameter_count():
        raise AdapterError(
            f"{folder / CARD_FILE} has {card['parameters']} parameters; the weights have {adapter.parameter_count()}.",
            AGAIN,
        )
    with torch.no_grad():
        for name, parameter in adapter.kept_parameters().items():
            parameter.copy_(state[name])
    if str((card.get("fit") or {}).get("ended", "")).startswith(INTERRUPTED):
        text = "The fit of the adapter in %s is unfinished; this is the best so far. Continue it: %s"
        _logger.warning(text, folder, resume_line(folder))
    return adapter.to(base.device).eval()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
