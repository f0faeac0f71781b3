"""The trainable methods by name. Imports none of them, so that a help text costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samtailor.errors import AdapterError

if TYPE_CHECKING:
    from samtailor.adapters.contract import Adapter

__all__ = ["DEFAULT_METHOD", "METHODS", "check_method", "check_options", "method_class"]

METHODS = {
    "plm": "samtailor.adapters.plm.PLM",
    "plm+pmm": "samtailor.adapters.pmm.adapter.MatchedPLM",
    "plm+boundary": "samtailor.adapters.boundary.BoundaryPLM",
    "decoder": "samtailor.adapters.decoder.DecoderTuning",
    "decoder-lite": "samtailor.adapters.decoder_lite.DecoderLite",
    "lora": "samtailor.adapters.lora.LoRA",
    "plm+lora": "samtailor.adapters.plm_lora.PlmLoRA",
    "offset": "samtailor.adapters.offset.Offset",
    "tokens": "samtailor.adapters.tokens.Tokens",
}
"""Name -> where its class is."""

DEFAULT_METHOD = "decoder-lite"  # docs/decisions/index.md says why

KINDS = {str: "a word", int: "a whole number", float: "a number"}


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


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a method does not have; their ranges are the method's own matter.

    Raises:
        AdapterError: no such method, no such option (with those that there are), or a value of another kind than the
            option's default: a word, a whole number, a number.
    """
    check_method(name)
    if not options:
        return  # and no module is loaded
    known = method_class(name).options()
    for option, value in options.items():
        if option not in known:
            has = f"Its options: {', '.join(known)}." if known else "It has none."
            raise AdapterError(f"The method {name!r} has no option {option!r}.", has)
        kind = type(known[option])
        if not (type(value) is kind or (kind is float and type(value) is int)):
            raise AdapterError(
                f"{option} of the method {name!r} is {value!r}.",
                f"It must be {KINDS[kind]}, such as {known[option]!r}.",
            )
