"""The trainable methods by name. Imports none of them, so that a help text costs nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from samtailor.errors import AdapterError

if TYPE_CHECKING:
    from samtailor.adapters.base import Adapter

__all__ = ["METHODS", "check_method", "method_class"]

METHODS = {
    "plm": "samtailor.adapters.plm.PLM",
    "plm+pmm": "samtailor.adapters.matched.MatchedPLM",
    "plm+boundary": "samtailor.adapters.boundary.BoundaryPLM",
    "decoder": "samtailor.adapters.decoder.DecoderTuning",
    "lora": "samtailor.adapters.lora.LoRA",
    "offset": "samtailor.adapters.offset.Offset",
    "tokens": "samtailor.adapters.tokens.Tokens",
}
"""Name -> where its class is."""


def check_method(name: str) -> None:
    """Refuse a method that there is not.

    Raises:
        AdapterError: with those that there are.
    """
    if name not in METHODS:
        raise AdapterError(f"There is no method {name!r}.", f"Choose one of: {', '.join(METHODS)}.")


def method_class(name: str) -> type[Adapter]:
    """The class of a method.

    Raises:
        AdapterError: there is no such method.
    """
    check_method(name)
    module, _, cls = METHODS[name].rpartition(".")
    found: type[Adapter] = getattr(importlib.import_module(module), cls)
    return found
