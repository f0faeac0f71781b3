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
from samtailor.adapters.mask_scores import corrections_in, leaves_base
from samtailor.adapters.methods import method_class
from samtailor.adapters.unfinished import resume_line
from samtailor.adapters.vocabulary import names_in, words_card
from samtailor.bases.base import Base
from samtailor.bases.locate import find_base
from samtailor.bases.registry import load_base
from samtailor.errors import AdapterError, SamtailorError
from samtailor.machine.arguments import AnyPath, as_path
from samtailor.machine.fields import FieldError
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.randomness import own_randomness
from samtailor.machine.tensors import TensorsError, check_tensors, read_tensors
from samtailor.machine.undisturbed import undisturbed

__all__ = [
    "CARD_FILE",
    "WEIGHTS_FILE",
    "AnyAdapter",
    "adapter_folder",
    "base_of",
    "build_adapter",
    "fitting",
    "load_adapter",
    "read_card",
    "save_adapter",
]

AnyAdapter = Adapter | AnyPath
"""An adapter, the folder of a run, a file of an adapter, or a ``Run``."""

WEIGHTS_FILE = "adapter.safetensors"
INTERRUPTED = "interrupted"
"""First word of the reason why a fit ended if it can go on."""

_logger = logging.getLogger(__name__)


def build_adapter(method: str, base: Base, seed: int | None = 0, **config: Any) -> Adapter:
    """Build an untrained adapter for ``base``; ``config`` holds options of the method.

    The global random generators are neither used nor changed.

    Args:
        method: name of the method.
        base: the frozen base.
        seed: random seed of the parameters; None if they are replaced anyway, which is faster.
        config: options of the method.

    Raises:
        AdapterError: the method is unknown, or cannot work with this base or these options.
    """
    try:
        with torch.random.fork_rng(devices=[]) if seed is None else own_randomness(seed):
            adapter = method_class(method).for_base(base, **config)
        adapter.base_name, adapter.base_fingerprint = base.name, base.fingerprint
        return adapter
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
        **({"words": words_card(adapter)} if adapter.reads_words else {}),
        **facts,
    }
    # Weights first, so that a card never exists without weights; the digest shows if the two are not from one save.
    write_atomically(folder / WEIGHTS_FILE, content)
    write_json(folder / CARD_FILE, card)


@undisturbed()
def load_adapter(
    folder: AnyAdapter, base: Base | AnyPath | None = None, device: str | int | torch.device | None = "auto"
) -> Adapter:
    """Load an adapter, in evaluation mode, on the base's device.

    Example:
        >>> adapter = load_adapter("runs/mine")

    Args:
        folder: the run folder that ``fit_task`` wrote, a file in it, or a run. An adapter is returned as it is.
        base: the base it was fitted on, or its name; None takes the one that the adapter's card names. If that was
            moved, it is looked for by its fingerprint.
        device: where to load the base if ``base`` is not a loaded one.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: there is no adapter, a file is damaged, weights are not finite or do not fit, or the adapter
            belongs to another base.
        BaseModelError: the base is not there or cannot be loaded.
    """
    if isinstance(folder, Adapter):
        return folder if base is None else fitting(folder, load_base(base, device))
    folder = adapter_folder(folder)
    card = read_card(folder)
    base = load_base(base_of(folder) if base is None else base, device)
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
    adapter = build_adapter(card["method"], base, None, **card["config"])
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
    adapter.learn_names(names_in(card, folder / CARD_FILE))
    adapter.fitted_on = _fitted_on(card)
    adapter.leaves_base = leaves_base(card)
    adapter.score_corrections = corrections_in(card, base, folder / CARD_FILE)
    if str((card.get("fit") or {}).get("ended", "")).startswith(INTERRUPTED):
        text = "The fit of the adapter in %s is unfinished; this is the best so far. Continue it: %s"
        _logger.warning(text, folder, resume_line(folder))
    return adapter.to(base.device).eval()


def _fitted_on(card: dict[str, Any]) -> str | None:
    try:
        prompts = card["fit"]["settings"]["prompts"]
    except (KeyError, TypeError):  # an adapter that was saved without a fit
        return None
    return prompts if isinstance(prompts, str) else None


def adapter_folder(adapter: AnyPath, name: str = "adapter") -> Path:
    """Return the folder of an adapter: the path itself, or the folder of a file of the adapter.

    Args:
        adapter: the path.
        name: of the argument, for the error.

    Raises:
        ArgumentError: ``adapter`` is no path.
    """
    objects = "a Run" if name != "adapter" else "a Run, or an Adapter"
    path = as_path(adapter, name, f"the folder of a run, a file in it, {objects}")
    return path.parent if path.is_file() or path.name in (CARD_FILE, WEIGHTS_FILE) else path


def base_of(folder: Path) -> str:
    """Return a name under which the base of an adapter can be loaded; ``find_base`` says where it is looked for.

    Raises:
        AdapterError: the folder holds no adapter.
        BaseModelError: the base is no longer there, nor anywhere else.
    """
    base = read_card(folder)["base"]
    return find_base(str(base["name"]), str(base["fingerprint"]), [folder, folder.parent, folder.parent.parent])


def fitting(adapter: Adapter, base: Base) -> Adapter:
    """Return ``adapter`` if it was built for ``base``, or for an unknown base.

    Raises:
        AdapterError: it was built for another base.
    """
    if adapter.base_fingerprint in (None, base.fingerprint):
        return adapter
    raise AdapterError(
        f"The adapter was fitted on base {adapter.base_name!r} with fingerprint {adapter.base_fingerprint}; this base "
        f"is {base.name!r} with fingerprint {base.fingerprint}.",
        "Use it on the base it was fitted on, or fit a new adapter on this one.",
    )


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
