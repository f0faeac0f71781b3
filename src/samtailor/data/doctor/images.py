"""Checks of image files: which cannot be used, and which repeat another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samtailor.data.doctor.duplicates import Duplicate, DuplicateSearch
from samtailor.data.findings import Finding, Severity, times
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord, Task
from samtailor.errors import ImageError
from samtailor.machine.progress import Progress, counted, silent

__all__ = ["BadImage", "duplicate_findings", "read_images", "unreadable"]


@dataclass(frozen=True)
class BadImage:
    """An image file that cannot be used, and why."""

    path: str
    reason: str


def read_images(
    task: Task, progress: Progress = silent, look: Callable[[Path, np.ndarray], None] = lambda path, pixels: None
) -> tuple[list[BadImage], list[Duplicate]]:
    """Decode each image of a task once.

    Args:
        task: the task.
        progress: receives a ``Count`` after each image.
        look: called with each file that can be used, and its pixels (H, W, 3).

    Returns:
        The images that cannot be used, and the duplicates.
    """
    bad: list[BadImage] = []
    search = DuplicateSearch()
    images = [(split, record) for split, records in task.splits.items() for record in records]
    for split, record in counted(images, "Reading", progress):
        try:
            pixels = _pixels(record)
            search.add(record.path, split, image_key(record.path), pixels)
            look(record.path, pixels)
        except ImageError as error:
            bad.append(BadImage(str(record.path), str(error)))
    return bad, search.duplicates()


def unreadable(bad: Sequence[BadImage]) -> list[Finding]:
    """Return the finding about images that cannot be used."""
    if not bad:
        return []
    what = f"{times(len(bad), 'image')} cannot be used. {bad[0].reason}"
    files = tuple(dict.fromkeys(image.path for image in bad))
    hint = "Copy the files again or remove them: encode, fit and evaluate stop at the first one."
    return [Finding("error", "unreadable", what, files, len(bad), hint)]


def duplicate_findings(duplicates: Sequence[Duplicate]) -> list[Finding]:
    """Return the findings about duplicates: equal or alike, in different splits or in one."""
    return [
        *_between_splits("error", "same-picture", [d for d in duplicates if d.kind == "bytes"]),
        *_between_splits("warning", "alike-picture", [d for d in duplicates if d.kind == "alike"]),
        *_between_splits("warning", "mirrored-picture", [d for d in duplicates if d.kind == "mirrored"]),
        *_within_split("same-picture-within", [d for d in duplicates if d.kind == "bytes"]),
        *_within_split("alike-picture-within", [d for d in duplicates if d.kind == "alike"]),
    ]


def _between_splits(severity: Severity, code: str, duplicates: list[Duplicate]) -> list[Finding]:
    chosen = [d for d in duplicates if d.split != d.of_split]
    if not chosen:
        return []
    what = _describe(chosen, "an earlier split", [f"{d.split} and {d.of_split}" for d in chosen])
    hint = "Remove these files from their split (`--json` lists all under `duplicates`)"
    if chosen[0].kind != "bytes":
        hint += " after looking at some. Or keep shots of one scene in one split: `--split-by REGEX`."
    else:
        hint += ". If the file names contain groups, `--split-by REGEX` splits again and keeps each group together."
    return [_finding(severity, code, f"{what} Scores on them are too high.", chosen, hint)]


def _within_split(code: str, duplicates: list[Duplicate]) -> list[Finding]:
    chosen = [d for d in duplicates if d.split == d.of_split]
    if not chosen:
        return []
    what = _describe(chosen, "the same split", [f"in {d.split}" for d in chosen])
    hint = "They count twice and do no other harm. Remove them unless that is intended."
    return [_finding("note", code, what, chosen, hint)]


def _describe(chosen: list[Duplicate], other_split: str, places: list[str]) -> str:
    """Return a sentence with the number of duplicates, their splits, and the first one as an example."""
    single = len(chosen) == 1
    if chosen[0].kind == "bytes":
        relation = "has the same bytes as" if single else "have the same bytes as"
    elif chosen[0].kind == "mirrored":
        relation = "is the mirror image of" if single else "are mirror images of"
    else:
        relation = "looks like" if single else "look like"
    counts = ", ".join(f"{place}: {count}" for place, count in Counter(places).items())
    first = chosen[0]
    example = f"{Path(first.file).name} ({first.split}) and {Path(first.of).name} ({first.of_split})"
    return f"{times(len(chosen), 'image')} {relation} another of {other_split} ({counts}); the first: {example}."


def _finding(severity: Severity, code: str, what: str, chosen: list[Duplicate], hint: str) -> Finding:
    return Finding(severity, code, what, tuple(dict.fromkeys(d.file for d in chosen)), len(chosen), hint)


def _pixels(record: ImageRecord) -> np.ndarray:
    """Return the pixels (H, W, 3) uint8, after checking the size."""
    pixels = read_image(record.path)
    height, width, _ = pixels.shape
    if (width, height) != (record.width, record.height):
        raise ImageError(
            f"Image {record.path} has {width} x {height} pixels; expected {record.width} x {record.height}, the "
            "size in the task.",
            "Use the image that was annotated.",
        )
    return pixels
