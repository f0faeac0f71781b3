"""What the commands do, once their options are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.base import Base
from samtailor.cli.measuring import run_evaluate
from samtailor.cli.progress import ProgressDisplay, duration
from samtailor.cli.tables import cache_table
from samtailor.data import Task, inspect_task, load_task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.encode import encode_images
from samtailor.evaluation.questions import Questions
from samtailor.fit import FitResult, fit_task
from samtailor.fitting.config import FitConfig
from samtailor.report.comparisons import draw_comparisons, draw_sheet

__all__ = ["run_cache", "run_demo", "run_encode", "run_fit", "run_inspect"]

console = Console(highlight=False)


def run_encode(task: Task, base: Base, cache: EmbeddingCache) -> None:
    images = [r for split in task.splits.values() for r in split]
    with ProgressDisplay(console) as progress:
        report = encode_images(base, images, cache, progress=progress)
    text = (
        f"{report.total} images: {report.already} in the cache, {report.encoded} encoded in {duration(report.seconds)}"
    )
    console.print(text + (f", {report.rebuilt} of them damaged entries rebuilt." if report.rebuilt else "."))


def run_cache(cache: EmbeddingCache, prune: bool, chosen: dict[str, Any]) -> None:
    if prune:
        removed, size = cache.prune(**chosen)
        console.print(f"Removed {removed} entries, {size / 1e6:.1f} MB.")
    console.print(f"Embedding cache in {escape(str(cache.root))}", soft_wrap=True)
    stats = cache.stats()
    console.print(cache_table(stats) if stats else "It is empty.")


def run_fit(task: Task, base: Base, out: Path, config: FitConfig, cache: EmbeddingCache, resume: bool) -> FitResult:
    with ProgressDisplay(console) as progress:
        result = fit_task(task, base, out, config, cache=cache, resume=resume, progress=progress)
    console.print(f"Ended after {result.steps} steps: {result.reason}.")
    if result.beats_base:
        console.print(
            f"Best at step {result.best_step}: val mIoU {result.best['miou']:.3f}, "
            f"the base has {result.base['miou']:.3f} (n {result.base['n']})."
        )
    else:
        console.print(
            "[bold yellow]Nothing beat the base on val:[/] the adapter written leaves the base as it is. "
            "More data or more time may help; so may another prompt kind."
        )
    console.print(f"Adapter: {escape(str(out / 'adapter.safetensors'))}", soft_wrap=True)
    return result


def run_demo(base: Base, out: Path, minutes: float, seed: int, cache: EmbeddingCache) -> None:
    sample = load_task("sample")
    run_fit(sample, base, out, FitConfig(minutes=minutes, seed=seed), cache, resume=True)
    run_evaluate(sample, base, out, out / "evaluation.json", cache, Questions(seed=seed))
    pictures = draw_comparisons(
        AdaptedModel.of(base, load_adapter(out, base), cache), sample, out / "overlays", seed=seed
    )
    draw_sheet(pictures[:3], out / "comparison.png")
    console.print(f"{len(pictures)} pictures of base against adapted: {escape(str(out / 'overlays'))}", soft_wrap=True)


def run_inspect(task: Task, as_json: bool) -> bool:
    """Print what a task holds; True if a finding is an error."""
    with ProgressDisplay(Console(stderr=True)) as progress:
        inspection = inspect_task(task, progress=progress)
    if as_json:
        print(json.dumps(inspection.to_dict(), indent=2))
    else:
        from samtailor.cli.inspection import print_inspection

        print_inspection(console, inspection)
    return any(finding.severity == "error" for finding in inspection.findings)
