"""``--method-option NAME=VALUE`` as values of the kinds that the method expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from samtailor.adapters.methods import method_class

__all__ = ["method_options"]


def method_options(method: str, texts: Sequence[str]) -> dict[str, Any]:
    """Options by name; one that the method lacks, or whose text is not of its kind, stays a text for others to refuse.

    Raises:
        BadParameter: a text without NAME= or VALUE.
        AdapterError: there is no such method.
    """
    known = method_class(method).options() if texts else {}
    found: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--method-option")
        try:
            found[name] = type(known[name])(value)
        except (KeyError, ValueError):
            found[name] = value
    return found
