"""Parse ``--method-option NAME=VALUE`` into values of the types that the method expects."""

from __future__ import annotations

from collections.abc import Sequence
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
    defaults = method_class(method).options() if texts else {}
    options: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--method-option")
        try:
            options[name] = type(defaults[name])(value)
        except (KeyError, ValueError):
            options[name] = value
    return options
