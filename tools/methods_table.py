"""Markdown table of the trainable methods, with their sizes on the bundled base, for docs/guides/methods.md.

python tools/methods_table.py
"""

from __future__ import annotations

from collections.abc import Iterator

from samtailor.adapters.io import build_adapter
from samtailor.adapters.methods import METHODS
from samtailor.bases.base import Base
from samtailor.bases.registry import load_base


def table(base: Base) -> Iterator[str]:
    """Its lines, a row per method."""
    yield "| `--method` | what is trained | parameters saved | also trained, not saved | untrained |"
    yield "|---|---|---|---|---|"
    for name in METHODS:
        adapter = build_adapter(name, base)
        helping = sum(p.numel() for p in adapter.owned_parameters().values()) - adapter.parameter_count()
        start = "the base, bit for bit" if adapter.starts_as_base else "near the base"
        cells = (
            f"`{name}`",
            adapter.trains,
            f"{adapter.parameter_count():,}",
            f"{helping:,}" if helping else "",
            start,
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(table(load_base())))
