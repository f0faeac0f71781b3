"""A contact sheet of a task: some of its images with their masks, and a legend. A wrong reading is seen at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from samtailor.data.doctor.examples import choose_examples
from samtailor.data.findings import Finding, times
from samtailor.data.opening import AnyTask, as_task
from samtailor.data.task import Task
from samtailor.drawing.lettering import drawable, fitted, font_of_size, text_width
from samtailor.drawing.overlay import save_png
from samtailor.drawing.paint import class_colours
from samtailor.drawing.tiles import CROWD, Tile, draw_tile
from samtailor.errors import DataError
from samtailor.machine.arguments import AnyPath, as_path

__all__ = ["IMAGES", "draw_preview", "legend_of", "write_preview"]

IMAGES = 12
"""Images of a sheet."""
MOST_IMAGES = 200
COLUMNS, SIDE, GAP, LINE = 4, 300, 20, 19  # pixels, except the number of columns
_MOST_CLASSES = 60
_PAPER, _INK, _MUTED = "#ffffff", "#1a1e24", "#555e6b"
_COLOURS = {"error": "#a81622", "warning": "#8a4b00", "note": _MUTED, "": _MUTED}


def write_preview(task: AnyTask, file: AnyPath, *, images: int = IMAGES, findings: Iterable[Finding] = ()) -> Path:
    """Write a contact sheet of a task as a PNG file: some images with masks in class colours, and a legend.

    Example:
        >>> write_preview("DATA", "preview.png", findings=inspect_task("DATA").findings)

    Args:
        task: a task, or a path that ``load_task`` reads.
        file: the PNG file to write.
        images: number of images, 1 to 200, chosen so that splits, classes and findings are seen.
        findings: of ``inspect_task``; images that they name are preferred and marked. Those of the reader count always.

    Returns:
        The file.

    Raises:
        ArgumentError: an argument is of a wrong type.
        DataError: the task cannot be read, or the number of images is out of range.
        SamtailorError: the file cannot be written.
    """
    path = as_path(file, "file", "the PNG file to write")
    save_png(path, draw_preview(as_task(task), images=images, findings=findings))
    return path


def draw_preview(task: Task, *, images: int = IMAGES, findings: Iterable[Finding] = ()) -> np.ndarray:
    """Draw some images of a task at the size of thumbnails, with masks in class colours, and a legend with counts.

    The images are chosen so that every split, every class and every kind of finding is seen, if there is room.

    Args:
        task: the task.
        images: number of images, 1 to 200.
        findings: of ``inspect_task``; images that they name are preferred and marked. Those of the reader count always.

    Returns:
        (rows, columns, 3) uint8 RGB.

    Raises:
        DataError: ``images`` is out of range.
    """
    if not 1 <= images <= MOST_IMAGES:
        raise DataError(f"A contact sheet of {images} images cannot be drawn.", f"Choose 1 to {MOST_IMAGES} images.")
    examples = choose_examples(task, dict.fromkeys([*findings, *task.findings]), images)
    tiles = [draw_tile(task, example, SIDE) for example in examples]
    columns = min(COLUMNS, max(2, len(tiles)))
    width = columns * SIDE + (columns + 1) * GAP
    parts = [_heading(task, width), _legend(task, width), *_rows(tiles, columns, width)]
    sheet = Image.new("RGB", (width, sum(part.height for part in parts) + GAP), _PAPER)
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return np.array(sheet)


def legend_of(task: Task) -> list[tuple[tuple[int, int, int], str, str]]:
    """Return (colour, name, counts in words) of each class, and of crowd regions if there are any."""
    splits = {
        split: Counter(instance.label for record in records for instance in record.promptable)
        for split, records in task.splits.items()
    }
    rows = []
    for colour, name in zip(class_colours(len(task.classes)).tolist(), task.classes, strict=True):
        counts = {split: counter[name] for split, counter in splits.items()}
        parts = ", ".join(f"{split} {count:,}" for split, count in counts.items() if count)
        rows.append((tuple(colour), name, f"{sum(counts.values()):,} ({parts})" if parts else "0"))
    crowds = sum(instance.crowd for record in task.images for instance in record.instances)
    return rows + ([(CROWD, "crowd regions, not prompted", f"{crowds:,}")] if crowds else [])


def _heading(task: Task, width: int) -> Image.Image:
    counts = [
        f"{split} {times(len(records), 'image')}, {times(sum(len(r.promptable) for r in records), 'object')}"
        for split, records in task.splits.items()
        if records
    ]
    strip = Image.new("RGB", (width, GAP + 58), _PAPER)
    draw, large, small = ImageDraw.Draw(strip), font_of_size(22), font_of_size(14)
    draw.text((GAP, GAP), fitted(task.name, large, width - 2 * GAP), fill=_INK, font=large)
    line = fitted(f"{task.format}:  {';  '.join(counts)}", small, width - 2 * GAP)
    draw.text((GAP, GAP + 32), line, fill=_MUTED, font=small)
    return strip


def _legend(task: Task, width: int) -> Image.Image:
    """Lay out swatches with names and counts, row by row."""
    font, rows = font_of_size(14), legend_of(task)
    hidden, room = len(rows) - _MOST_CLASSES, width - 2 * GAP
    entries = [(c, fitted(name, font, room / 2), drawable(counts, font)) for c, name, counts in rows[:_MOST_CLASSES]]
    places, left, top = [], GAP, 4
    for _, name, counts in entries:
        across = 22 + text_width(f"{name}  {counts}", font)
        if left > GAP and left + across > width - GAP:
            left, top = GAP, top + LINE + 4
        places.append((left, top))
        left += round(across) + 28
    strip = Image.new("RGB", (width, top + 2 * LINE + (LINE if hidden > 0 else 0)), _PAPER)
    draw = ImageDraw.Draw(strip)
    for (colour, name, counts), (x, y) in zip(entries, places, strict=True):
        draw.rectangle((x, y + 2, x + 14, y + 16), fill=colour)
        draw.text((x + 22, y + 9), f"{name}  ", fill=_INK, font=font, anchor="lm")
        draw.text((x + 22 + text_width(f"{name}  ", font), y + 9), counts, fill=_MUTED, font=font, anchor="lm")
    if hidden > 0:
        draw.text((GAP, top + LINE + 12), f"and {hidden} more classes", fill=_MUTED, font=font, anchor="lm")
    return strip


def _rows(tiles: list[Tile], columns: int, width: int) -> list[Image.Image]:
    """Arrange tiles row by row, each with its captions below."""
    strips, font = [], font_of_size(14)
    for start in range(0, len(tiles), columns):
        line = tiles[start : start + columns]
        height = max(tile.picture.shape[0] for tile in line)
        lines = 3 if any(tile.trouble for tile in line) else 2
        strip = Image.new("RGB", (width, height + lines * LINE + GAP + 6), _PAPER)
        draw = ImageDraw.Draw(strip)
        for place, tile in enumerate(line):
            left = GAP + place * (SIDE + GAP)
            h = tile.picture.shape[0]
            strip.paste(Image.fromarray(tile.picture), (left, height - h))
            texts = ((tile.name, _INK), (tile.content, _MUTED), (tile.trouble, _COLOURS[tile.severity]))
            for number, (text, colour) in enumerate(texts):
                at = (left, height + 6 + number * LINE)
                draw.text(at, fitted(text, font, SIDE, keep_end=number == 0), fill=colour, font=font)
        strips.append(strip)
    return strips
