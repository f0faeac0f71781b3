"""The report of a run: all studies, pictures, the data's summary and where the figures come from, as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import read_card
from samtailor.bases.base import Base
from samtailor.data.doctor.inspect import inspect_task
from samtailor.data.pixels.images import read_image
from samtailor.data.task import Task
from samtailor.drawing.overlay import draw_overlay
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import Embedder
from samtailor.errors import DataError
from samtailor.evaluate import Evaluation
from samtailor.evaluation.clickmap import click_map
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.measure import Measured, Progress
from samtailor.evaluation.names import image_names
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.progress import Count
from samtailor.machine.provenance import commit, hardware, versions
from samtailor.report.gallery import draw_gallery, jpeg
from samtailor.report.page import render_page

__all__ = ["build_report"]

LEAST_SIDE = 12  # pixels: an instance below is no subject for a click map


def build_report(
    run: Path,
    task: Task,
    measured: Measured,
    base: Base,
    adapter: Adapter,
    cache: EmbeddingCache,
    *,
    command: str,
    maps: int = 3,
    map_images: Sequence[str] = (),
    progress: Progress,
    keep: Path | None = None,
) -> Path:
    """Write ``report.html`` and ``report.json`` (its figures) into the run folder.

    Args:
        run: the folder that fit wrote.
        task: all splits of the task, as loaded.
        measured: what ``measure`` found.
        base: the frozen model.
        adapter: the run's.
        cache: of embeddings.
        command: that made the report, for its reader.
        maps: click maps of so many instances, spread evenly over the adapted scores.
        map_images: names of images whose instances get click maps instead.
        progress: hears of the drawing.
        keep: folder for click maps, which take long.

    Returns:
        The page's path.
    """
    evaluation, split = measured.evaluation, measured.evaluation.split
    embedder = Embedder(base, cache)
    asked = evaluation.prompts
    with progress("Click maps") as bar:
        chosen = _subjects(measured.task, evaluation, maps, map_images)
        header = identity(measured.task, split, base, adapter, cache)
        click_maps = _click_maps(
            measured.task, split, chosen, base, adapter, embedder, Journal(keep, "maps", header), bar
        )
    with progress("Gallery") as bar:
        pictures = draw_gallery(
            measured.task,
            split,
            evaluation.instances,
            base,
            adapter,
            embedder,
            asked["kind"],
            asked["seed"],
            progress=bar,
        )
    with progress("Reading the data") as bar:
        inspection = inspect_task(
            task, progress=lambda event: bar(event.done, event.total) if bar and isinstance(event, Count) else None
        )
    card = read_card(run)
    found = dict(measured.found)
    data: dict[str, Any] = {
        "title": f"{task.name}: base against adapted",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "run": {"folder": run.name, "card": card},
        "sensitivity": found.pop("sensitivity", None),
        "also": found.pop("also", None),
        "evaluation": found,
        "data": {**inspection.to_dict(), "root": task.root.name},
        "settings": card.get("fit", {}).get("settings", {}),
        "versions": versions(),
        "hardware": hardware(base.device),
        "commit": commit(),
    }
    data = {key: value for key, value in data.items() if value is not None}
    write_json(
        run / "report.json", data | {"click_maps": [{k: v for k, v in m.items() if k != "picture"} for m in click_maps]}
    )
    curve = run / "curve.png"
    drawn: dict[str, Any] = {"click_maps": click_maps, "gallery": pictures}
    if curve.is_file():
        drawn["curve"] = curve.read_bytes()
    page = run / "report.html"
    write_atomically(page, render_page(data | drawn).encode())
    return page


def _subjects(task: Task, evaluation: Evaluation, count: int, wanted: Sequence[str]) -> list[tuple[str, int]]:
    """(image, instance) of those to map; not those that a class map has answered piece by piece.

    Raises:
        DataError: an image that was asked for is not in the split.
    """
    names = image_names(task, evaluation.split)
    for name in set(wanted) - set(names.values()):
        raise DataError(
            f"Split {evaluation.split!r} has no image {name!r}.", f"It has {next(iter(names.values()))}, ..."
        )
    whole = {(names[r.path], i.id) for r in task.split(evaluation.split) for i in r.promptable if i.parts == 1}
    scores = [s for s in evaluation.instances if s.repeat == 0 and (s.image, s.instance) in whole]
    if wanted:
        return [(s.image, s.instance) for s in scores if s.image in wanted]
    fit = sorted((s for s in scores if s.area >= LEAST_SIDE**2), key=lambda s: s.scores["adapted"].iou)
    if not fit or count == 0:
        return []
    places = np.unique(np.linspace(0, len(fit) - 1, count + 2)[1:-1].round().astype(int))
    return [(fit[k].image, fit[k].instance) for k in places]


def _click_maps(
    task: Task,
    split: str,
    chosen: Sequence[tuple[str, int]],
    base: Base,
    adapter: Adapter,
    embedder: Embedder,
    journal: Journal,
    bar: Any,
) -> list[dict[str, Any]]:
    names = image_names(task, split)
    places = {(names[r.path], i.id): (r, i) for r in task.split(split) for i in r.promptable}
    found = []
    for done, key in enumerate(chosen):
        if bar:
            bar(done, len(chosen))
        record, instance = places[key]
        unit = json.dumps(key)
        compute = partial(click_map, record, instance, base, adapter, embedder)
        item = dict(journal.rows(unit, compute)) | {"image": key[0]}
        x0, y0, x1, y1 = item["extent"]
        window = np.s_[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))]
        truth = instance.mask()[window]
        nothing = np.zeros((0, *truth.shape), dtype=bool)
        item["picture"] = jpeg(draw_overlay(read_image(record.path)[window], nothing, truth=truth))
        found.append(item)
    if bar:
        bar(len(chosen), len(chosen))
    return found
