"""Values from files in the text of errors, cut to a bearable length."""

from __future__ import annotations

from typing import Any

__all__ = ["QUOTED", "cut", "quoted"]

QUOTED = 100  # characters of one quoted value


def quoted(value: Any, most: int = QUOTED) -> str:
    """Return ``repr(value)``, cut after ``most`` characters. A long list or text is cut before it is printed."""
    if isinstance(value, (str, bytes)):
        value = value[: most + 1]
    elif isinstance(value, dict):
        value = dict(list(value.items())[:3]) if len(value) > 3 else value
    elif isinstance(value, list):
        value = value[: most + 1]
    elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 400:
        return f"a whole number of {value.bit_length()} bits"
    try:
        return cut(repr(value), most)
    except RecursionError:  # a deeply nested list
        return f"a {type(value).__name__}"


def cut(text: str, most: int = 300) -> str:
    """Return the text, cut after ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
