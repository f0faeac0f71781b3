"""Find the instances of many images and write them; one bad image does not stop the rest."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.automatic.finder import Found
from samtailor.drawing.overlay import SCREEN
from samtailor.embeddings.reading import ReadPicture, read_picture
from samtailor.errors import DataError, ImageError, PromptError
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.progress import Progress, counted, silent
from samtailor.prediction.sources import Source
from samtailor.report.mask_files import LabelMap, Overlay
from samtailor.report.mask_json import MaskJson, mask_record
from samtailor.segment import Segmenter

__all__ = ["Segmented", "write_segments"]

COLUMNS = (
    "image",
    "number",
    "class",
    "score",
    "area",
    "centroid_x",
    "centroid_y",
    "x0",
    "y0",
    "x1",
    "y1",
    "mean_intensity",
)
"""Of instances.csv: number on the label map; pixels of the image; mean of the grey values 0..255 inside the mask."""


@dataclass
class Segmented:
    """What happened.

    Attributes:
        images: number of images that were segmented.
        skipped: number of images whose results were there.
        instances: number of instances that were written, those of skipped images included.
        failed: file and reason of each image that failed.
    """

    images: int = 0
    skipped: int = 0
    instances: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)


def write_segments(
    segmenter: Segmenter,
    sources: Sequence[Source],
    folder: Path,
    *,
    overlays: bool = True,
    skip_existing: bool = False,
    progress: Progress = silent,
) -> Segmented:
    """Segment images and write what was found.

    For each image there is a label map for each class, ``STEM_CLASS.png``, with the number of the instance at each
    pixel, and an overlay. For all images together there are ``coco.json``, ``instances.csv`` and ``counts.csv``. An
    image is finished when its file in the folder ``images`` is there; a stopped run continues with ``skip_existing``.

    Args:
        segmenter: of a run.
        sources: images.
        folder: where to write.
        overlays: whether to write overlays.
        skip_existing: leave out images that are finished.
        progress: receives a ``Count`` after each image.

    Raises:
        SamtailorError: a file cannot be written.
    """
    written, tables = Segmented(), {}
    classes = segmenter.finder.classes
    file = MaskJson(folder / "coco.json", "coco", {name: k for k, name in enumerate(classes, 1)})
    try:
        for source in counted(sources, "Segmenting", progress):
            record = folder / "images" / f"{source.stem}.json"
            rows = _finished(record) if skip_existing and source.name in file else None
            if rows is None:
                try:
                    picture = read_picture(source.path)
                    found = segmenter.segment_picture(picture)
                except (ImageError, DataError, PromptError) as error:
                    written.failed.append((source.path, str(error)))
                    continue
                rows = _write_image(source, picture, found, classes, folder, file, overlays)
                write_json(record, rows)  # last, so that an interrupted image is segmented again
                written.images += 1
            else:
                written.skipped += 1
            tables[source.name] = rows
            written.instances += len(rows)
    finally:
        file.write()
        _write_tables(tables, classes, folder)
    return written


def _finished(path: Path) -> list[dict[str, Any]] | None:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return rows if isinstance(rows, list) and all(set(row) == set(COLUMNS) for row in rows) else None
    except (OSError, ValueError, TypeError):
        return None


def _write_image(
    source: Source,
    picture: ReadPicture,
    found: Sequence[Found],
    classes: Sequence[str],
    folder: Path,
    file: MaskJson,
    overlays: bool,
) -> list[dict[str, Any]]:
    """Write the pictures of one image; return its rows of instances.csv."""
    height, width = picture.pixels.shape[:2]
    overlay = Overlay(picture.pixels, SCREEN) if overlays else None
    grey = picture.pixels.mean(axis=2)
    rows: list[dict[str, Any]] = []
    records = []
    for label in classes:
        own = [f for f in found if f.label == label]
        labels = LabelMap(height, width, len(own))
        for number, one in enumerate(own, 1):
            mask = one.patch.whole()
            labels.add(number - 1, mask)
            if overlay is not None:
                overlay.add(len(rows), mask)
            records.append(mask_record(len(rows), mask, one.score, file.category(label)))
            rows.append(_row(source.name, number, one, mask, grey))
        name = "labels" if len(classes) == 1 else f"labels_{_plain(label)}"
        labels.write(folder / f"{source.stem}_{name}.png")
    file.add(source.name, (width, height), records)
    if overlay is not None:
        overlay.write(folder / f"{source.stem}_overlay.png", [])
    return rows


def _row(image: str, number: int, found: Found, mask: np.ndarray, grey: np.ndarray) -> dict[str, Any]:
    ys, xs = np.nonzero(mask)
    values = (
        image,
        number,
        found.label,
        round(found.score, 4),
        len(xs),
        round(float(xs.mean()) + 0.5, 2),
        round(float(ys.mean()) + 0.5, 2),
        int(xs.min()),
        int(ys.min()),
        int(xs.max()) + 1,
        int(ys.max()) + 1,
        round(float(grey[ys, xs].mean()), 2),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _plain(label: str) -> str:
    """Return a class name that can be part of a file name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in label)


def _write_tables(tables: dict[str, list[dict[str, Any]]], classes: Sequence[str], folder: Path) -> None:
    rows = [list(row.values()) for own in tables.values() for row in own]
    _write_csv(folder / "instances.csv", COLUMNS, rows)
    counts = [[name, *(sum(row["class"] == label for row in own) for label in classes)] for name, own in tables.items()]
    _write_csv(folder / "counts.csv", ("image", *classes), counts)


def _write_csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode("utf-8"))
