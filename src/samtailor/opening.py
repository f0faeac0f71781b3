"""Open what the public verbs work with from what callers have: names, paths, or objects that are loaded already.

Each kind of object knows its own ways in: ``as_task``, ``load_base``, ``as_cache``, ``load_adapter``, ``Run.of``. Here
they come together, because an adapter decides which base is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import AnyAdapter, load_adapter
from samtailor.bases.base import Base
from samtailor.bases.locate import find_base
from samtailor.bases.registry import DEFAULT_BASE, load_base
from samtailor.embeddings.opening import AnyCache
from samtailor.machine.arguments import AnyPath, as_path
from samtailor.machine.undisturbed import undisturbed
from samtailor.runs import Run

__all__ = ["AnyAdapter", "AnyBase", "AnyCache", "AnyDevice", "AnyRun", "as_folder", "open_base", "open_model", "run_of"]

AnyBase = Base | AnyPath
"""A base, or what ``load_base`` reads: a name, a folder, a file, a hub id."""
AnyDevice = str | int | torch.device | None
"""``auto``, a device of torch, or its name or number."""
AnyRun = Run | AnyPath
"""A run, its folder, or a file in it."""


def open_base(
    base: AnyBase | None = None,
    adapter: AnyAdapter | Run | None = None,
    device: AnyDevice = "auto",
    reference_decoder: bool = False,
) -> Base:
    """Return a base.

    Args:
        base: a base, or its name; None takes the adapter's base, or the default one without an adapter.
        adapter: decides if ``base`` is None.
        device: where to load a base that is given by name.
        reference_decoder: decode with the code of transformers.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: the adapter's card cannot be read.
        BaseModelError: the base cannot be found or loaded.
    """
    return load_base(_name_of_base(adapter) if base is None else base, device, reference_decoder)


def open_model(
    base: AnyBase | None = None,
    adapter: AnyAdapter | Run | None = None,
    cache: AnyCache = None,
    device: AnyDevice = "auto",
) -> AdaptedModel:
    """Return a base with an adapter and a cache; arguments as in ``open_base`` and ``as_cache``.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: the adapter cannot be loaded, or belongs to another base.
        BaseModelError: the base cannot be found or loaded.
    """
    with undisturbed():
        opened = open_base(base, adapter, device)
        return AdaptedModel.of(opened, None if adapter is None else load_adapter(adapter, opened), cache)


def run_of(adapter: Any) -> Run | None:
    """Return the run of an adapter that was given as a path; None for an adapter object, or without one."""
    return None if adapter is None or isinstance(adapter, Adapter) else Run.of(adapter, "adapter")


def as_folder(folder: AnyPath | None, name: str) -> Path | None:
    """Return the path of an optional folder.

    Raises:
        ArgumentError: it is no path.
    """
    return None if folder is None else as_path(folder, name)


def _name_of_base(adapter: AnyAdapter | Run | None) -> str:
    if isinstance(adapter, Adapter):
        name = adapter.base_name
        return find_base(name, adapter.base_fingerprint or "") if name else DEFAULT_BASE
    return DEFAULT_BASE if adapter is None else Run.of(adapter, "adapter").base_name
