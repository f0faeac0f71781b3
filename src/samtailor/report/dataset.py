"""Write a page about a dataset: its findings, counts per class and split, and pictures with masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from samtailor.data.doctor.examples import choose_examples
from samtailor.data.doctor.inspect import Inspection, inspect_task
from samtailor.data.findings import Finding, times
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import Task
from samtailor.drawing.preview import legend_of
from samtailor.drawing.tiles import Tile, draw_tile
from samtailor.machine.arguments import AnyPath, as_path, wrong_type
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.files import write_atomically
from samtailor.machine.progress import Progress, counted
from samtailor.report.page import render_dataset
from samtailor.report.page.blocks import Block, Findings, Picture, Pictures, Section, Swatches, Text
from samtailor.report.page.figures import picture
from samtailor.report.page.origin import data_summary
from samtailor.report.page.warnings import messages_of

__all__ = ["write_dataset_page"]

IMAGES = 24
SIDE = 400  # pixels


def write_dataset_page(
    task: AnyTask,
    file: AnyPath,
    *,
    inspection: Inspection | None = None,
    images: int = IMAGES,
    progress: ShownProgress = True,
) -> Path:
    """Write one HTML page about a dataset. It opens offline and needs no other file.

    Example:
        >>> write_dataset_page("DATA", "data.html")

    Args:
        task: a task, or a path that ``load_task`` reads.
        file: the page to write.
        inspection: what ``inspect_task`` says about the task, if it was called already.
        images: number of pictures, chosen so that splits, classes and findings are seen.
        progress: True shows a bar in a terminal or a notebook, False shows nothing. A function receives a ``Count``
            after each image and each picture.

    Returns:
        The file.

    Raises:
        ArgumentError: an argument is of a wrong type.
        DataError: the task cannot be read.
        SamtailorError: the file cannot be written.
    """
    if not isinstance(inspection, Inspection | None):
        raise wrong_type("inspection", inspection, "an Inspection, which inspect_task returns, or None")
    path, opened = as_path(file, "file", "the page to write"), as_task(task)
    with showing(progress) as shown:
        found = inspection or inspect_task(opened, progress=shown)
        sections = [_findings(found), *_pictures(opened, found, images, shown)]
    counts = data_summary(replace(found, findings=(), root=""))
    total = sum(split.images for split in found.splits.values())
    about = f"{found.format}; {times(total, 'image')}, {times(len(opened.classes), 'class', 'classes')}."
    page = render_dataset(found.name, about, [*sections, *([counts] if counts else [])])
    write_atomically(path, page.encode())
    return path


def _findings(inspection: Inspection) -> Section:
    findings = [_with_short_names(finding, Path(inspection.root)) for finding in inspection.findings]
    block: Block = Findings(messages_of(findings)) if findings else Text("No problems found.")
    return Section("findings", "Findings", [block])


def _with_short_names(finding: Finding, root: Path) -> Finding:
    """Leave out the folder that all files share."""
    paths = map(Path, finding.files)
    return replace(finding, files=tuple(str(p.relative_to(root) if p.is_relative_to(root) else p) for p in paths))


def _pictures(task: Task, inspection: Inspection, images: int, progress: Progress) -> Iterator[Section]:
    examples = choose_examples(task, inspection.findings, images)
    tiles = [draw_tile(task, example, SIDE) for example in counted(examples, "Drawing", progress)]
    if tiles:
        swatches = [("#{:02x}{:02x}{:02x}".format(*colour), name, small) for colour, name, small in legend_of(task)]
        shown = Pictures("", [_shown(tile) for tile in tiles], small=True)
        yield Section("pictures", "Pictures", [Swatches(swatches), shown])


def _shown(tile: Tile) -> Picture:
    buffer = BytesIO()
    Image.fromarray(tile.picture).save(buffer, "JPEG", quality=88)
    caption = tile.content + (f" ({tile.trouble})" if tile.trouble else "")
    return picture(buffer.getvalue(), f"{tile.name}: {tile.content}", tile.name, caption)
