"""Convert what users pass as coordinates to arrays: nested lists, NumPy arrays, tensors on any device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from samtailor.errors import PromptError

__all__ = ["finite", "numbers", "rows_of_numbers"]


def numbers(values: Any, name: str) -> np.ndarray:
    """Return ``values`` as a float64 array; NaN and infinity are kept.

    Raises:
        PromptError: they are not numbers, or are lists of different lengths.
    """
    try:
        array = np.asarray(_plain(values))
        if array.dtype.kind not in "biuf":
            raise TypeError(f"they have the type {array.dtype}")
        return array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        cause = str(error).strip().splitlines()
        raise PromptError(
            f"The {name} are not an array of numbers: {cause[0][:120] if cause else type(error).__name__}.",
            "Give nested lists of numbers, an array or a tensor.",
        ) from error


def rows_of_numbers(values: Any, name: str) -> np.ndarray | list[np.ndarray]:
    """Return ``values`` as an array, or as one array per item if the items have different lengths.

    Raises:
        PromptError: they are not numbers.
    """
    try:
        plain = _plain(values)
    except (TypeError, ValueError, RuntimeError):
        return numbers(values, name)  # which says what is wrong
    rows = isinstance(plain, list) and all(row is None or _is_sequence(row) for row in plain)
    if rows and len({0 if row is None else len(row) for row in plain}) > 1:
        return [numbers([] if row is None else row, name) for row in plain]
    return numbers(plain, name)


def finite(array: np.ndarray, name: str) -> np.ndarray:
    """Return the array; PromptError if a number is NaN or infinite."""
    if not np.isfinite(array).all():
        raise PromptError(f"The {name} contain NaN or infinity.", "Give finite numbers.")
    return array


def _is_sequence(row: Any) -> bool:
    return isinstance(row, list) or (isinstance(row, np.ndarray) and row.ndim > 0)


def _plain(values: Any) -> Any:
    """Return lists and arrays without tensors; a tensor is detached, moved to the CPU and converted to float64."""
    if hasattr(values, "detach"):  # torch is not imported here
        return values.detach().cpu().double().numpy()
    if isinstance(values, str | bytes | Mapping):
        raise TypeError(f"a {type(values).__name__} came")
    if isinstance(values, np.ndarray) or hasattr(values, "__array__"):
        array = np.asarray(values)
        return [_plain(value) for value in array] if array.dtype == object and array.ndim else array
    if isinstance(values, Iterable):
        return [_plain(value) for value in values]
    return values
