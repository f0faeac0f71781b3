"""``samtailor inspect``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samtailor.cli.exit_codes import ExitCode
from samtailor.cli.json_output import STDOUT, console_beside, write_output
from samtailor.cli.options import TaskArgument
from samtailor.cli.reading import READ, ReadingOptions, with_reading

if TYPE_CHECKING:
    from rich.console import Console

    from samtailor.cli.output import Table
    from samtailor.data import Finding, Inspection

__all__ = ["inspect"]

IMAGES = 12
"""Images of a preview."""
MOST_IMAGES = 200
FILES = 3
"""Files that are named for each finding."""

COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


@with_reading
def inspect(
    task: TaskArgument,
    reading: ReadingOptions = READ,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="[FILE]",
            help="Write JSON to this file; - or no file prints it to the standard output, instead of tables.",
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw some images with their masks, class colours and a legend into this PNG file."
        ),
    ] = None,
    preview_images: Annotated[
        int,
        typer.Option(min=1, max=MOST_IMAGES, metavar="N", help="Number of images for --preview and --html."),
    ] = IMAGES,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write findings, counts and pictures as one HTML page that opens offline."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 if there is an error.")] = False,
) -> None:
    """Summarise a dataset by split and list its problems, most serious first, each with a fix."""
    from samtailor.cli.checks import check_output
    from samtailor.cli.opening import open_task
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.data import inspect_task

    for file in (json, preview, html):
        check_output(file)
    console = console_beside(json)
    opened = open_task(task, reading)
    with ProgressDisplay(make_console(stderr=True)) as progress:
        inspection = inspect_task(opened, progress=progress)
        if preview:
            from samtailor.drawing.preview import write_preview

            write_preview(opened, preview, images=preview_images, findings=inspection.findings)
        if html:
            from samtailor.report.dataset import write_dataset_page

            write_dataset_page(opened, html, inspection=inspection, images=preview_images, progress=progress)
    if json != STDOUT:
        print_inspection(console, inspection)
    for file in (preview, html):
        if file:
            print_line(console, f"Written to {file}")
    write_output(json, inspection.to_dict(), console)
    if strict and any(finding.severity == "error" for finding in inspection.findings):
        raise typer.Exit(ExitCode.INCOMPLETE)


def print_inspection(console: Console, inspection: Inspection) -> None:
    """Print counts per split and class, sizes, and the findings, most serious first."""
    from samtailor.cli.output import print_line, print_table, print_text

    print_line(console, f"{inspection.name}: {inspection.format}, in {inspection.root}")
    print_table(console, _split_table(inspection))
    print_table(console, _class_table(inspection))
    console.print()
    if inspection.widths and inspection.heights:
        (w0, w1), (h0, h1) = inspection.widths, inspection.heights
        print_text(console, f"Image sizes: {w0} to {w1} pixels wide, {h0} to {h1} pixels high.")
    if inspection.areas:
        median, q05, q95 = (inspection.areas[name] for name in ("median", "q05", "q95"))
        text = f"Mask areas: median {median:.0f} pixels; 5 % are below {q05:.0f}, 5 % above {q95:.0f} pixels."
        print_text(console, text)
    if inspection.decoded and not inspection.first_bad:
        print_text(console, "Every image can be read.")
    _print_findings(console, inspection)


def _print_findings(console: Console, inspection: Inspection) -> None:
    from samtailor.cli.output import print_text
    from samtailor.data.findings import SEVERITIES, times

    if not inspection.findings:
        print_text(console, "No problems found.", style="green")
        return
    counts = Counter(finding.severity for finding in inspection.findings)
    print_text(console, "Findings: " + ", ".join(times(counts[s], s) for s in SEVERITIES if counts[s]) + ".")
    for finding in inspection.findings:
        console.print()
        text = f"{finding.severity} {finding.code}: {finding.what}"
        print_text(console, text, style=COLOURS[finding.severity], styled=finding.severity)
        print_text(console, finding.hint, indent="    ")
        if finding.files:
            print_text(console, _file_names(finding, Path(inspection.root)), indent="    ", style="dim")


def _file_names(finding: Finding, root: Path) -> str:
    """Name the first files, without the folder that all share."""
    paths = [Path(file) for file in finding.files[:FILES]]
    names = ", ".join(p.relative_to(root).as_posix() if p.is_relative_to(root) else str(p) for p in paths)
    more = len(finding.files) - FILES
    return f"in {names}" + (f" and {more} more (--json names all)" if more > 0 else "")


def _split_table(inspection: Inspection) -> Table:
    from samtailor.cli.output import Row, Table
    from samtailor.data.doctor.inspect import TINY_AREA

    rows = []
    for split, c in inspection.splits.items():
        counts = (c.images, c.empty_images, c.instances, c.crowd, c.empty_masks, c.tiny, c.at_border)
        rows.append(Row((split, *map(str, counts))))
    return Table(
        "",
        ("split", "images", "bare", "instances", "crowd", "empty", "tiny", "border"),
        rows,
        (
            "bare: images without an instance that can be prompted; crowd: regions that are neither prompted nor "
            f"scored; empty: masks without a pixel; tiny: instances below {TINY_AREA} pixels; border: instances that "
            "touch the border of their image.",
        ),
    )


def _class_table(inspection: Inspection) -> Table:
    from samtailor.cli.output import Row, Table

    labels = next(iter(inspection.splits.values())).classes
    rows = [Row((label, *(str(c.classes[label]) for c in inspection.splits.values()))) for label in labels]
    legend = ("Instances of each class that can be prompted, by split.",)
    return Table("", ("class", *inspection.splits), rows, legend)
