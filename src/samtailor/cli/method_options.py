"""Parse ``--method-option NAME=VALUE`` into values of the types that the method expects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import typer

from samtailor.adapters.methods import method_class

__all__ = ["method_options"]


def method_options(method: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return options by name; unknown options and values of a wrong type stay texts, which FitConfig refuses.

    Raises:
        BadParameter: a text is not NAME=VALUE.
        AdapterError: the method does not exist.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--method-option")
        options[name] = value
    defaults = method_class(method).options(options) if texts else {}
    for name, value in options.items():
        with suppress(KeyError, ValueError):
            options[name] = type(defaults[name])(value)
    return options
