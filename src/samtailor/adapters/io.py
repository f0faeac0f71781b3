"""Adapter files: ``adapter.safetensors`` holds the parameters, ``adapter.json`` (the card) the method and the base."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from samtailor.adapters.contract import Adapter
from samtailor.adapters.methods import METHODS, method_class
from samtailor.bases.base import Base
from samtailor.bases.locate import find_base
from samtailor.bases.registry import load_base
from samtailor.errors import AdapterError, SamtailorError
from samtailor.machine.arguments import AnyPath, as_path
from samtailor.machine.files import write_atomically, write_json
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

CARD_FILE, WEIGHTS_FILE = "adapter.json", "adapter.safetensors"
FORMAT = 2
"""Format 1 implies mask token 0. Adapters with token 0 are written in format 1, so that older versions read them."""


def build_adapter(method: str, base: Base, **config: Any) -> Adapter:
    """Build an untrained adapter for ``base``; ``config`` holds options of the method.

    Raises:
        AdapterError: the method is unknown, or cannot work with this base or these options.
    """
    try:
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
    adapter.fitted_on = _fitted_on(card)
    _load_strictly(adapter, state, path)
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
