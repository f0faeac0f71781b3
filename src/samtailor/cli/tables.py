"""What the commands print as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from samtailor.cache import BaseStats
from samtailor.evaluate import Evaluation

__all__ = ["cache_table", "class_table", "evaluation_table"]

_MEANING = {
    "base-single": "the base's single mask",
    "base-best": "the base's best of three by its own estimate",
    "base-oracle": "the best of its three, chosen by the truth",
    "adapted": "with the adapter, single mask",
}


def evaluation_table(found: Evaluation) -> Table:
    """One row per method."""
    p = found.prompts
    table = Table(
        title=escape(
            f"{found.task}, {found.split} split, {p['per_instance']} {p['kind']} per instance, seed {p['seed']}"
        ),
        title_justify="left",
    )
    table.add_column("method")
    for name in ("mIoU (classes)", "IoU (instances)", "n"):
        table.add_column(name, justify="right")
    table.add_column("what it is")
    for row in found.rows():
        style = "bold" if row["method"] == "adapted" else None
        figures = (f"{row['miou']:.3f}", f"{row['iou_instances']:.3f}", str(row["n"]))
        table.add_row(row["method"], *figures, _MEANING[row["method"]], style=style)
    return table


def class_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row per class, one column per method."""
    table = Table(title="IoU per class (mean over instances)", title_justify="left")
    table.add_column("class")
    table.add_column("n", justify="right")
    for row in rows:
        table.add_column(row["method"], justify="right")
    for label, first in rows[0]["per_class"].items():
        table.add_row(escape(label), str(first["n"]), *(f"{row['per_class'][label]['iou']:.3f}" for row in rows))
    return table


def cache_table(stats: Sequence[BaseStats]) -> Table:
    """One row per base."""
    table = Table()
    for name in ("base", "fingerprint", "stored as"):
        table.add_column(name)
    for name in ("images", "size"):
        table.add_column(name, justify="right")
    for entry in stats:
        size = f"{entry['bytes'] / 1e6:.1f} MB"
        table.add_row(escape(entry["base"]), entry["fingerprint"][:16], entry["dtype"], str(entry["entries"]), size)
    return table
