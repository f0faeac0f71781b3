"""The name of a base with another input size, such as ``mobile-sam@512``."""

from __future__ import annotations

import re
from pathlib import Path

from samtailor.errors import BaseModelError

__all__ = ["check_input_size", "sized_name", "split_size"]

_SIZED = re.compile(r"(.+)@(\d+)")


def split_size(name: str) -> tuple[str, int | None]:
    """Split ``mobile-sam@512`` into the base and its input size; None for the base's own size.

    A file or folder whose name ends like this is not split.
    """
    parts = _SIZED.fullmatch(name)
    if parts is None or Path(name.partition(":")[2] or name).expanduser().exists():
        return name, None
    return parts[1], int(parts[2])


def sized_name(name: str, size: int | None) -> str:
    """Return the name of a base with an input size; None keeps the size that the name has.

    Raises:
        BaseModelError: the name has another size already.
    """
    plain, own = split_size(name)
    if size is None or size == own:
        return name
    if own is not None:
        raise BaseModelError(f"The base {name!r} has an input size already; {size} was asked for too.", "Give one.")
    return f"{plain}@{size}"


def check_input_size(size: int, own: int, cell: int) -> None:
    """Check the input size of a base.

    Args:
        size: side of the square that the encoder should see, pixels.
        own: the size that the base was trained with.
        cell: side of an embedding cell, pixels.

    Raises:
        BaseModelError: it is not a multiple of a cell, too small, or larger than the base's own.
    """
    if size % cell or not 2 * cell <= size <= own:
        raise BaseModelError(
            f"The input size {size} cannot be used; expected a multiple of {cell} from {2 * cell} to {own}.",
            f"Leave it out for the base's own size of {own}.",
        )
