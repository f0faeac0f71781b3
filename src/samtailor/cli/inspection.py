"""How an inspection is printed."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samtailor.data.inspect import TINY_AREA, Inspection

__all__ = ["print_inspection"]


def print_inspection(console: Console, found: Inspection) -> None:
    """Counts per split and class, sizes, and what deserves a look."""
    console.print(escape(f"{found.name}: {found.format}, in {found.root}"), soft_wrap=True)
    console.print(_split_table(found))
    console.print(_class_table(found))
    if found.widths and found.heights:
        (w0, w1), (h0, h1) = found.widths, found.heights
        console.print(f"Image sizes: {w0} to {w1} wide, {h0} to {h1} high, in pixels.")
    if found.areas:
        a = found.areas
        console.print(
            f"Mask areas: median {a['median']:.0f} pixels, 5 % below {a['q05']:.0f}, 5 % above {a['q95']:.0f}."
        )
    for one, other in found.leaks[:3]:
        console.print(f"[yellow]In two splits:[/] {escape(one)} is {escape(other)}", soft_wrap=True)
    if len(found.leaks) > 3:
        console.print(f"[yellow]{len(found.leaks) - 3} more pictures are in two splits.[/]")
    if found.first_bad:
        more = f" ({found.bad_images - 1} more are bad)" if found.bad_images > 1 else ""
        console.print(f"[red]Bad image:[/] {escape(found.first_bad.reason)}{more}", soft_wrap=True)
    elif found.decoded:
        console.print("Every image can be read.")


def _split_table(found: Inspection) -> Table:
    table = Table()
    table.add_column("split")
    for name in (
        "images",
        "without instances",
        "instances",
        "crowd",
        "empty masks",
        f"below {TINY_AREA} px",
        "at the border",
    ):
        table.add_column(name, justify="right")
    for split, c in found.splits.items():
        counts = (c.images, c.empty_images, c.instances, c.crowd, c.empty_masks, c.tiny, c.at_border)
        table.add_row(split, *map(str, counts))
    return table


def _class_table(found: Inspection) -> Table:
    table = Table()
    table.add_column("class")
    for split in found.splits:
        table.add_column(split, justify="right")
    for label in next(iter(found.splits.values())).classes:
        table.add_row(escape(label), *(str(c.classes[label]) for c in found.splits.values()))
    return table
