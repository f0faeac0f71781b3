"""What ``predict`` does, apart from the other commands: it imports little, so that one answer comes soon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from samtailor.adapters.io import read_card
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data.pixels.images import read_image
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import SamtailorError
from samtailor.predict import Predictor
from samtailor.prompts import check_prompts
from samtailor.report.predictions import write_prediction

__all__ = ["base_of", "run_predict"]

console = Console(highlight=False)


def base_of(adapter: Path | None) -> str:
    """The base that an adapter was fitted on, else the default."""
    return DEFAULT_BASE if adapter is None else str(read_card(adapter)["base"]["name"])


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
        prompts = check_prompts(**prompt, frame=base.frame(pixels.shape[1], pixels.shape[0]))
        for path, word in write_prediction(image.stem, pixels, prediction, prompts, out):
            console.print(f"{escape(str(path))}  ({word})", soft_wrap=True)
