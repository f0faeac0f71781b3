"""What the commands print as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from samtailor.embeddings.cache import BaseStats
from samtailor.evaluate import Evaluation

__all__ = [
    "cache_table",
    "class_table",
    "clicks_table",
    "evaluation_table",
    "others_table",
    "sensitivity_table",
]

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
    for name in ("mIoU (classes)", "IoU (instances)", "95 %", "boundary IoU", "HD95 px", "n"):
        table.add_column(name, justify="right")
    table.add_column("what it is")
    for row in found.rows():
        style = "bold" if row["method"] == "adapted" else None
        figures = (
            f"{row['miou']:.3f}",
            f"{row['iou_instances']:.3f}",
            _interval(row["iou_instances_interval"]),
            f"{row['boundary_iou']:.3f}",
            f"{row['hd95']:.1f}",
            str(row["n"]),
        )
        table.add_row(row["method"], *figures, _MEANING[row["method"]], style=style)
    return table


def _interval(pair: Sequence[float]) -> str:
    return f"{pair[0]:.3f} to {pair[1]:.3f}"


def sensitivity_table(found: dict[str, Any]) -> Table:
    """One row per group of prompts and method."""
    title = f"Prompts varied on {found['instances']} instances of {found['images']} images, seed {found['seed']}"
    table = Table(title=title, title_justify="left")
    for name in ("prompts", "method"):
        table.add_column(name)
    for name in ("mean IoU", "spread", "worst", "10th percentile", "unstable"):
        table.add_column(name, justify="right")
    for group in next(iter(found["methods"].values()))["groups"]:
        for method, figures in found["methods"].items():
            values = [figures["groups"][group][k]["value"] for k in ("mean", "spread", "worst", "p10")]
            unstable = figures["groups"][group]["unstable"]["value"]
            style = "bold" if method == "adapted" else None
            table.add_row(group, method, *(f"{v:.3f}" for v in values), f"{unstable:.0%}", style=style)
    return table


def clicks_table(found: dict[str, Any]) -> Table:
    """One row per quality."""
    table = Table(title=f"Clicks to a quality, at most {found['limit']}, failures counted so", title_justify="left")
    table.add_column("IoU")
    methods = list(next(iter(found["targets"].values())))
    for method in methods:
        table.add_column(f"{method}: clicks", justify="right")
        table.add_column("failures", justify="right")
    for target, row in found["targets"].items():
        cells = [c for m in methods for c in (f"{row[m]['mean']:.1f}", f"{row[m]['failures']} of {row[m]['n']}")]
        table.add_row(target, *cells)
    return table


def others_table(found: Sequence[dict[str, Any]]) -> Table:
    """One row per other task."""
    table = Table(title="Other tasks, IoU (instances)", title_justify="left")
    table.add_column("task")
    for name in ("n", "base-single", "adapted", "switched off"):
        table.add_column(name, justify="right")
    for one in found:
        rows = {r["method"]: r for r in one["rows"]}
        adapted = f"{rows['adapted']['iou_instances']:.3f}" if "adapted" in rows else ""
        off = {True: "is the base, bit for bit", False: "IS NOT THE BASE", None: ""}[one.get("adapter_off_bit_equal")]
        base = rows["base-single"]
        table.add_row(escape(one["task"]), str(base["n"]), f"{base['iou_instances']:.3f}", adapted, off)
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
