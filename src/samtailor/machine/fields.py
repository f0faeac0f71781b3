"""Read typed, checked values from parsed JSON: a file of ours that was edited or damaged is refused by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["FieldError", "Fields", "parse_object"]

LARGEST = 2**53
"""Whole numbers up to this have an exact float."""
SHOWN = 80


class FieldError(ValueError):
    """A field is missing or has a value that does not fit; the message names the field."""


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        FieldError: the text is not JSON, or not an object.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FieldError(f"it is not JSON: {reason[:SHOWN]}") from error
    if not isinstance(value, dict):
        raise FieldError(f"it is {_shown(value)}, expected an object")
    return value


class Fields:
    """The fields of a JSON object.

    Each method returns the value of a field, or ``default`` if the field is missing and a default is given.

    Args:
        values: the parsed object.
        where: name of the object, in front of the field's name in messages; empty for the whole file.

    Raises:
        FieldError: the field is missing or does not fit.
    """

    def __init__(self, values: Mapping[str, Any], where: str = "") -> None:
        self.values, self.where = values, where

    def whole(self, name: str, low: int = 0, high: int = LARGEST, default: int | None = None) -> int:
        """Return a whole number."""
        value = self._value(name, default)
        if type(value) is not int or not low <= value <= high:
            raise self._error(name, value, f"a whole number from {low}" + (f" to {high}" if high < LARGEST else ""))
        return value

    def number(self, name: str, low: float = 0.0, high: float = math.inf, default: float | None = None) -> float:
        """Return a finite number."""
        value = self._value(name, default)
        if not _is_number(value) or not low <= value <= high:
            raise self._error(name, value, f"a number from {low:g}" + (f" to {high:g}" if high < math.inf else ""))
        return float(value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise self._error(name, value, "a text")
        return value

    def table(self, name: str, default: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return an object."""
        value = self._value(name, default)
        if not isinstance(value, Mapping):
            raise self._error(name, value, "an object")
        return dict(value)

    def numbers(self, name: str, default: Sequence[float] | None = None) -> list[float]:
        """Return a list of finite numbers."""
        value = self._value(name, default)
        if not isinstance(value, Sequence) or isinstance(value, str) or not all(_is_number(v) for v in value):
            raise self._error(name, value, "a list of numbers")
        return list(value)

    def inside(self, name: str) -> Fields:
        """Return the fields of an object within this one."""
        return Fields(self.table(name), self._path(name))

    def only(self, names: Sequence[str]) -> None:
        """Raise FieldError if there is another field."""
        if unknown := sorted(set(self.values) - set(names)):
            raise FieldError(f"{self._path(unknown[0])[:SHOWN]} is an unknown field")

    def _value(self, name: str, default: Any) -> Any:
        if name in self.values:
            return self.values[name]
        if default is None:
            raise FieldError(f"{self._path(name)} is missing")
        return default

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def _error(self, name: str, value: object, expected: str) -> FieldError:
        return FieldError(f"{self._path(name)} is {_shown(value)}, expected {expected}")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST if isinstance(value, int) else math.isfinite(value)


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    text = "a very large number" if isinstance(value, int) and abs(value) > LARGEST else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
