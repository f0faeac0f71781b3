"""``samtailor convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.options import TaskArgument
from samtailor.cli.reading import READ, ReadingOptions, with_reading

__all__ = ["convert"]


@with_reading
def convert(
    task: TaskArgument,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write; it must be new or empty.")],
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Write masks as polygons along pixel borders instead of compressed RLE.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Link to the images (hard links) instead of copying them.")
    ] = False,
    reading: ReadingOptions = READ,
) -> None:
    """Write a dataset as COCO files: train.json, val.json, test.json and images/."""
    from samtailor.cli.opening import open_task
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.data import write_coco

    console, opened = make_console(), open_task(task, reading)
    with ProgressDisplay(make_console(stderr=True)) as progress:
        write_coco(opened, out, polygons=polygons, link=link, progress=progress)
    print_line(console, f"Read as {opened.format}.")
    for split, images in opened.splits.items():
        print_line(console, f"{split}: {len(images)} images, {sum(len(r.instances) for r in images)} instances")
    print_line(console, f"Written to {out}")
