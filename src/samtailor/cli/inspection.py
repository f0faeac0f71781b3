"""How an inspection is printed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samtailor.data.doctor.inspect import TINY_AREA, Inspection
from samtailor.data.findings import SEVERITIES, times

__all__ = ["print_inspection"]

SHOWN = 3  # files of each finding
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def print_inspection(console: Console, found: Inspection) -> None:
    """Counts per split and class, sizes, and what deserves a look, the worst first."""
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
    if found.decoded and not found.first_bad:
        console.print("Every image can be read.")
    _print_findings(console, found)


def _print_findings(console: Console, found: Inspection) -> None:
    """The findings as they are ranked; the first files of each, without the folder that all share."""
    if not found.findings:
        console.print("[green]Nothing to complain about.[/]")
        return
    counts = Counter(finding.severity for finding in found.findings)
    console.print("Findings: " + ", ".join(times(counts[s], s) for s in SEVERITIES if counts[s]) + ".")
    for finding in found.findings:
        colour = _COLOURS[finding.severity]
        console.print(
            f"[{colour}]{finding.severity}[/] {finding.code}: {escape(finding.what)}", soft_wrap=True, highlight=False
        )
        console.print(f"    {escape(finding.hint)}", soft_wrap=True, highlight=False)
        if finding.files:
            names = ", ".join(_short(file, found.root) for file in finding.files[:SHOWN])
            more = f" and {len(finding.files) - SHOWN} more (--json names all)" if len(finding.files) > SHOWN else ""
            console.print(f"    [dim]in {escape(names)}{more}[/]", soft_wrap=True, highlight=False)


def _short(file: str, root: str) -> str:
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


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
