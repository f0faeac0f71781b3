"""What ``evaluate`` and ``report`` do, once their options are read."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.base import Base
from samtailor.cli.progress import ProgressDisplay
from samtailor.cli.tables import class_table, clicks_table, evaluation_table, others_table, sensitivity_table
from samtailor.data import Task, drop_duplicates, find_duplicates
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluate import Evaluation
from samtailor.evaluation.measure import measure
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results import Results
from samtailor.evaluation.results_json import file_json
from samtailor.machine.files import write_json
from samtailor.report.build import ClickMapChoice, build_report
from samtailor.runs import Run

__all__ = ["class_to_score", "kept_folder", "run_evaluate", "run_report", "without_duplicates"]

console = Console(highlight=False)
ALL_CLASSES = "*"


def kept_folder(adapter: Path | None, json_file: Path | None) -> Path | None:
    """Where a study keeps what it has: beside the adapter, else beside the file asked for, else nowhere."""
    if adapter is not None and os.access(adapter, os.W_OK):
        return adapter / "studies"
    return None if json_file is None else json_file.parent / "studies"


def without_duplicates(task: Task) -> Task:
    """The task without images of val and test that are byte for byte in an earlier split."""
    same = [d for d in find_duplicates(task) if d.kind == "bytes"]
    kept = drop_duplicates(task, same)
    for split, records in task.splits.items():
        if gone := len(records) - len(kept.splits[split]):
            console.print(f"{gone} of {len(records)} images of {split} are copies from another split and left out.")
    return kept


def class_to_score(asked: str | None, adapter: Path | None, mapped: bool) -> str | None:
    """The one class to score: the one asked for, else the one that the adapter was fitted on alone; None: all.

    A class map says itself which classes count, so that it takes away the adapter's.
    """
    if asked is not None:
        return None if asked == ALL_CLASSES else asked
    only = None if adapter is None or mapped else Run(adapter).only_class
    if only is not None:
        console.print(f"Only {escape(repr(only))}, the class that it was fitted on; --class '*' scores all.")
    return only


def run_evaluate(
    task: Task, base: Base, adapter: Path | None, json_file: Path | None, cache: EmbeddingCache, asked: Questions
) -> Evaluation:
    model = AdaptedModel.of(base, None if adapter is None else load_adapter(adapter, base), cache)
    keep = kept_folder(adapter, json_file)
    with ProgressDisplay(console) as progress:
        measured = measure(model, task, asked, keep=keep, progress=progress)
    _print(measured.results, asked)
    if json_file:
        write_json(json_file, file_json(measured.results))
        console.print(f"Written to {escape(str(json_file))}", soft_wrap=True)
    return measured.evaluation


def _print(results: Results, asked: Questions) -> None:
    evaluation, sensitivity = results.evaluation, results.sensitivity
    console.print(evaluation_table(evaluation))
    if len(evaluation.rows[0].per_class) > 1:
        console.print(class_table(evaluation.rows))
    if sensitivity is not None:
        console.print(sensitivity_table(sensitivity))
        if sensitivity.clicks is not None:
            console.print(clicks_table(sensitivity.clicks))
    elif asked.sensitivity != 0:
        console.print("Prompts were not varied: the class map answers every instance piece by piece.")
    if results.also:
        console.print(others_table(results.also))


def run_report(
    run: Path,
    task: Task,
    base: Base,
    cache: EmbeddingCache,
    asked: Questions,
    command: str,
    maps: int,
    map_images: tuple[str, ...],
) -> Path:
    model = AdaptedModel.of(base, load_adapter(run, base), cache)
    chosen = ClickMapChoice(maps, map_images)
    with ProgressDisplay(console) as progress:
        measured = measure(model, task, asked, keep=Run(run).studies, progress=progress)
        page = build_report(Run(run), model, task, measured, command=command, maps=chosen, progress=progress)
    _print(measured.results, asked)
    console.print(f"Report: {escape(str(page))}", soft_wrap=True)
    return page
