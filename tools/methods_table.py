"""Print the markdown table of methods in docs/guides/methods.md, with their sizes on the bundled base.

python tools/methods_table.py
"""

from __future__ import annotations

from collections.abc import Iterator

from samtailor.adapters.io import build_adapter
from samtailor.adapters.methods import METHODS
from samtailor.bases.base import Base
from samtailor.bases.registry import load_base


def table(base: Base) -> Iterator[str]:
    """Yield the lines of the table, a row for each method."""
    yield "| `--method` | what is trained | parameters saved | also trained, not saved | untrained |"
    yield "|---|---|---|---|---|"
    for name in METHODS:
        adapter = build_adapter(name, base)
        not_saved = sum(p.numel() for p in adapter.owned_parameters().values()) - adapter.parameter_count()
        start = "the base, bit for bit" if adapter.starts_as_base else "near the base"
        entries = (
            f"`{name}`",
            adapter.trains,
            f"{adapter.parameter_count():,}",
            f"{not_saved:,}" if not_saved else "",
            start,
        )
        yield f"| {' | '.join(entries)} |"


if __name__ == "__main__":
    print("\n".join(table(load_base())))
