"""The trainable methods by name. This module imports none of them, so that help texts are fast."""

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
    "plm+pmm": "samtailor.adapters.pmm.adapter.PlmPMM",
    "plm+boundary": "samtailor.adapters.plm_boundary.PlmBoundary",
    "decoder": "samtailor.adapters.decoder.DecoderTuning",
    "decoder-lite": "samtailor.adapters.decoder_lite.DecoderLite",
    "lora": "samtailor.adapters.lora.LoRA",
    "plm+lora": "samtailor.adapters.plm_lora.PlmLoRA",
    "offset": "samtailor.adapters.offset.Offset",
    "tokens": "samtailor.adapters.tokens.Tokens",
}
"""Name -> import path of the class."""

DEFAULT_METHOD = "decoder-lite"  # docs/decisions/index.md has the reason

KINDS = {str: "a word", int: "a whole number", float: "a number"}


def check_method(name: str) -> None:
    """Raise AdapterError if the method is unknown; the message lists the known ones."""
    if name not in METHODS:
        raise AdapterError(f"There is no method {name!r}.", f"Choose one of: {', '.join(METHODS)}.")


def method_class(name: str) -> type[Adapter]:
    """Import the class of a method.

    Raises:
        AdapterError: the method is unknown.
    """
    check_method(name)
    module, _, class_name = METHODS[name].rpartition(".")
    adapter_class: type[Adapter] = getattr(importlib.import_module(module), class_name)
    return adapter_class


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Check names and types of a method's options; the method itself checks their ranges.

    Raises:
        AdapterError: the method or an option is unknown, or a value has another type than the option's default: a
            word, a whole number or a number.
    """
    check_method(name)
    if not options:
        return  # without importing the method
    defaults = method_class(name).options()
    for option, value in options.items():
        if option not in defaults:
            choices = f"Its options: {', '.join(defaults)}." if defaults else "It has none: leave the option out."
            raise AdapterError(f"The method {name!r} has no option {option!r}.", choices)
        kind = type(defaults[option])
        if not (type(value) is kind or (kind is float and type(value) is int)):
            raise AdapterError(
                f"{option} of the method {name!r} is {value!r}.",
                f"It must be {KINDS[kind]}, such as {defaults[option]!r}.",
            )
