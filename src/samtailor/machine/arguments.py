"""Accept what callers have: paths with ``~``, text or objects. A wrong type is an error that names what came."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from samtailor.errors import ArgumentError

__all__ = ["AnyPath", "as_path", "described", "wrong_type"]

AnyPath = str | os.PathLike[str]
"""A path as callers have it; ``~`` is expanded."""

_SHOWN = 60
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def described(value: object) -> str:
    """Describe a value in a few words for an error: its type, and a short text of it."""
    kind = type(value)
    name = kind.__name__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__name__}"
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str | bytes | int | float):
        text = repr(value)
        return f"{text if len(text) <= _SHOWN else text[:_SHOWN] + '...'} ({name})"
    if isinstance(value, list | tuple | set | dict):
        return f"a {name} of {len(value)}"
    return f"an object of type {name}"


def wrong_type(name: str, value: object, accepted: str) -> ArgumentError:
    """Build the error for an argument of a wrong type.

    Args:
        name: of the argument, such as ``base``.
        value: what came.
        accepted: what is accepted, such as ``a path or a Task``.
    """
    return ArgumentError(f"{name} is {described(value)}; expected {accepted}.", "Pass one of these.")


def as_path(value: Any, name: str, accepted: str = "a path") -> Path:
    """Turn an argument into a path, with ``~`` expanded.

    Args:
        value: a string or a path.
        name: of the argument, for the error.
        accepted: everything that the argument may be, for the error.

    Raises:
        ArgumentError: it is neither, or is empty, an address of the web, or no possible path.
    """
    try:
        text = os.fspath(value)
    except TypeError:
        raise wrong_type(name, value, accepted) from None
    if not isinstance(text, str):
        raise wrong_type(name, value, accepted)
    if not text.strip() or "\0" in text:
        raise ArgumentError(f"{name} is {text!r}, which is no path; expected {accepted}.", "Pass one of these.")
    if _URL.match(text):
        raise ArgumentError(f"{name} is the address {text!r}; expected {accepted}.", "Download it, and pass its path.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~name of a user that there is not
        raise ArgumentError(f"{name} is {text!r}: {error}", "Write the whole path.") from error
