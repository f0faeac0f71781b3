"""Write tables and paragraphs as markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

__all__ = ["paragraph", "rewrap", "table"]

WIDTH = 100


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heading)} |"
    yield "|" + "---|" * len(heading)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def paragraph(text: str, indent: str = "") -> str:
    """Wrap a text; ``indent`` starts all lines but the first."""
    return textwrap.fill(text.strip(), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def rewrap(text: str) -> str:
    """Wrap the paragraphs of a text again; tables, headings and lists do not change."""
    blocks = text.strip().split("\n\n")
    return "\n\n".join(block if block.startswith(("|", "#", "* ")) else paragraph(block) for block in blocks)
