"""What the commands do, once their options are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from samtailor.adapters.io import load_adapter, read_card
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.cache import EmbeddingCache
from samtailor.cli.measuring import run_evaluate
from samtailor.cli.progress import EncodingBar, FitBar, counting_bar, duration
from samtailor.cli.tables import cache_table
from samtailor.data import Task, inspect_task, load_task
from samtailor.data.images import read_image
from samtailor.encode import encode_task
from samtailor.errors import SamtailorError
from samtailor.fit import FitResult, fit_task
from samtailor.fitting.config import FitConfig
from samtailor.measure import Questions
from samtailor.predict import Predictor
from samtailor.prompts import check_prompts
from samtailor.report.compare import draw_comparisons, draw_sheet
from samtailor.report.predictions import write_prediction

__all__ = ["base_of", "run_cache", "run_demo", "run_encode", "run_fit", "run_inspect", "run_predict"]

console = Console(highlight=False)


def base_of(adapter: Path | None) -> str:
    """The base that an adapter was fitted on, else the default."""
    return DEFAULT_BASE if adapter is None else str(read_card(adapter)["base"]["name"])


def run_encode(task: Task, base: Base, cache: EmbeddingCache) -> None:
    images = [r for split in task.splits.values() for r in split]
    with EncodingBar(console) as bar:
        report = encode_task(base, images, cache, progress=bar)
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
    with EncodingBar(console) as encoding, FitBar(console) as bar:
        result = fit_task(task, base, out, config, cache=cache, resume=resume, reporter=bar, encoding=encoding)
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


def run_predict(
    images: list[Path],
    out: Path,
    points: list[list[float]],
    boxes: list[list[float]],
    base: Base,
    adapter: Path | None,
    multimask: bool,
    cache: EmbeddingCache,
) -> None:
    twice = sorted({p.stem for p in images if [q.stem for q in images].count(p.stem) > 1})
    if twice:
        raise SamtailorError(
            f"Several images are called {twice[0]!r}; their masks would overwrite each other.",
            "Predict them into different folders.",
        )
    predictor = Predictor(base, adapter, cache)
    prompt: dict[str, Any] = {"points": None, "labels": None, "boxes": boxes or None}
    if points:
        prompt |= {"points": [p[:2] for p in points], "labels": [p[2] if len(p) == 3 else 1 for p in points]}
    for image in track(images, "Predicting", console=console, disable=len(images) == 1):
        pixels = read_image(image)
        predictor.set_image(image)
        prediction = predictor.predict(**prompt, multimask=multimask)
        prompts = check_prompts(**prompt, width=pixels.shape[1], height=pixels.shape[0])
        for path, word in write_prediction(image.stem, pixels, prediction, prompts, out):
            console.print(f"{escape(str(path))}  ({word})", soft_wrap=True)


def run_demo(base: Base, out: Path, minutes: float, seed: int, cache: EmbeddingCache) -> None:
    sample = load_task("sample")
    run_fit(sample, base, out, FitConfig(minutes=minutes, seed=seed), cache, resume=True)
    run_evaluate(sample, base, out, out / "evaluation.json", cache, Questions(seed=seed))
    pictures = draw_comparisons(sample, base, load_adapter(out, base), cache, out / "overlays", seed=seed)
    draw_sheet(pictures[:3], out / "comparison.png")
    console.print(f"{len(pictures)} pictures of base against adapted: {escape(str(out / 'overlays'))}", soft_wrap=True)


def run_inspect(task: Task, as_json: bool) -> bool:
    """Print what a task holds; True if a finding is an error."""
    with counting_bar(Console(stderr=True), "Reading") as progress:
        inspection = inspect_task(task, progress=progress)
    if as_json:
        print(json.dumps(inspection.to_dict(), indent=2))
    else:
        from samtailor.cli.inspection import print_inspection

        print_inspection(console, inspection)
    return any(finding.severity == "error" for finding in inspection.findings)
