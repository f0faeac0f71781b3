"""A table as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["grid"]


def grid(head: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in cells)
